"""Debian's PostgreSQL as a process of its own: unprivileged, on a socket in a temporary folder, gone at the end."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import psycopg

OWNER = "postgres"
PR_SET_PDEATHSIG = 1
START_SECONDS = 30.0


class Postgres:
    """A context manager; `database()` makes an empty database and returns its address.

    Nothing is synced to the disk, so that tests are fast: what a killed client left behind is the same.
    """

    def __init__(self) -> None:
        self._bin = installed_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="memento-pg-", dir="/tmp"))
        self._data = self._folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._spawner = ThreadPoolExecutor(1)  # the kernel takes the end of the thread that spawned for the parent's
        self._as_owner: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam(OWNER)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def database(self) -> str:
        """The postgresql:// address of a new, empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@/{database}?host={self._folder}"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._process = self._spawner.submit(self._spawned).result()
        self._wait_until_up()

    def _spawned(self) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *(self._bin / "postgres", "-D", self._data, "-k", self._folder),
                    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  what it does is safe after a fork
                **self._as_owner,
            )

    def stop(self) -> None:
        """Stop it at once, as a crash does: open connections are cut, nothing is flushed."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def __enter__(self) -> Self:
        try:
            subprocess.run(
                [self._bin / "initdb", "-D", self._data, "-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-sync"],
                check=True,
                capture_output=True,
                cwd=self._folder,
                **self._as_owner,
            )
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        self._spawner.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL did not come up:\n{self.log()[-3000:]}") from None
                time.sleep(0.05)

    def log(self) -> str:
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")


def installed_binaries() -> Path:
    """The folder of the newest PostgreSQL that Debian's package installed.

    Raises:
        RuntimeError: there is none.
    """
    found = sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")),
        key=lambda folder: int(folder.parent.name),
    )
    if not found:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1]


def _die_with_parent() -> None:
    """Also where the tests are killed, the server ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
