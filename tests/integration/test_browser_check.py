"""What `memento doctor` tells of the browser; in a process of its own, because the libraries below block the loop."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.project_files import ROOT

CODE = """
import asyncio
from configs.errors import ConfigurationError
from configs.settings import load_settings
from tools.web.browser_check import check
try:
    print(asyncio.run(check(load_settings(overrides=OVERRIDES))))
except ConfigurationError as error:
    print("missing:", error)
"""


def told(*overrides: str) -> str:
    code = CODE.replace("OVERRIDES", repr(overrides))
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100).stdout.strip()


def test_a_browser_that_works_is_named_with_its_version() -> None:
    assert re.fullmatch(r"\S*Chrome/[\d.]+ (in its own sandbox|as nobody, without its own sandbox)", told())


def test_a_browser_that_is_missing_or_is_none_is_told_with_what_to_do() -> None:
    assert told("browser=/no/such/browser").startswith(
        "missing: MEMENTO_BROWSER: no program '/no/such/browser'; no browser"
    )
    assert "MEMENTO_BROWSER" in told("browser=/bin/true")
    assert told("browser=http://127.0.0.1:1").startswith("missing: the browser does not work: ")
