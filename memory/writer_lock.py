"""One writer a home: several processes writing one embedded index lose cases without an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from configs.errors import CaseBankError, CaseBankInUseError
from configs.private_folders import private_folder
from memory.private_files import write_private

WAIT_SECONDS = 5.0
SHARED_WAIT_SECONDS = 60.0
"""For a lock that others hold only while they append."""
POLL_SECONDS = 0.005
"""Short, or one that waits never finds the moment between two appends of a busy process."""


class WriterLock:
    """The lock of a home. The kernel releases it when its process ends, however that happens."""

    def __init__(self, home: Path, *, shared: bool = False) -> None:
        """`shared`: the lock is taken for each append only, so that others can wait for their turn."""
        self._home = home
        self._shared = shared
        self._owner = home / "writer.pid"
        self._lock = FileLock(home / "writer.lock", mode=0o600, thread_local=False)

    def acquire(self) -> None:
        """Take the lock, waiting a few seconds for another process to finish. Idempotent.

        Raises:
            CaseBankInUseError: another process holds it.
            CaseBankError: the home cannot be written.
        """
        try:
            if self._lock.is_locked:
                return
            private_folder(self._home)
            wait = SHARED_WAIT_SECONDS if self._shared else WAIT_SECONDS
            self._lock.acquire(timeout=wait, poll_interval=POLL_SECONDS)
            write_private(self._owner, str(os.getpid()).encode())
        except Timeout:
            raise CaseBankInUseError(self._held_message()) from None
        except OSError as error:
            self.release()
            raise CaseBankError(f"cannot write to the home {self._home}: {error.strerror}") from error

    def release(self) -> None:
        """Give the lock back. Idempotent."""
        self._lock.release(force=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def _held_message(self) -> str:
        owner = "another process"
        with suppress(OSError, ValueError):
            owner = f"process {int(self._owner.read_text(encoding='ascii'))}"
        told = f"the case bank in {self._home} is in use by {owner}: wait until it ends"
        if self._shared:
            return told
        return f"{told}, or set MEMENTO_CHROMA_URL to a Chroma server, which several processes can share"
