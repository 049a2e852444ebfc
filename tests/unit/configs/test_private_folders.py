"""Folders of a home are for its owner alone, whoever of us makes them first."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from graph.home import prepare_home
from tools.sandbox.job_files import job_folder
from tools.server_log import ServerLog
from tools.web.cache import Kept, PageCache
from tools.workspaces import workspace


def log(home: Path) -> None:
    made = ServerLog(home / "logs", "one")
    made.open()
    made.close()


MAKERS: dict[str, Callable[[Path], None]] = {
    "home": prepare_home,
    "workspaces": lambda home: workspace(home, "thread", 1000).prepare(),
    "logs": log,
    "pages": lambda home: PageCache(home / "browser" / "pages").put("k", Kept("u", "text/html", None, {}, b"", 1e12)),
    "jobs": lambda home: job_folder(home / "jobs").remove(),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_folder_that_is_made_on_the_way_is_private(tmp_path: Path, name: str) -> None:
    home = tmp_path / "above" / "home"
    MAKERS[name](home)
    made = [home.parent, home, *(each for each in home.rglob("*") if each.is_dir())]
    assert {each: oct(stat.S_IMODE(each.stat().st_mode)) for each in made} == dict.fromkeys(made, "0o700")
