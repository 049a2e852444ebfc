"""Writes to a SQLite file from many tasks: those that wait while one commit is under way share the next."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Rows: TypeAlias = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Write:
    statement: str
    rows: Rows
    kept: asyncio.Future[None]


class GroupCommit:
    """One connection in a thread of its own. Each write is atomic and on the disk when its `write` returns.

    `synchronous=FULL`: the file is synced at each commit, so that a power cut loses nothing either. NORMAL would lose
    what was committed since the last WAL checkpoint, up to 1,000 pages, and with it the note that a tool was called.
    A commit costs the same for one write and for fifty; a run that is alone pays one each step.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._waiting: list[_Write] = []
        self._drain: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._connection: sqlite3.Connection | None = None

    async def write(self, statement: str, rows: Rows) -> None:
        """Carry out a statement for each row, all or none.

        Raises:
            sqlite3.Error: nothing of it was kept.
        """
        loop = asyncio.get_running_loop()
        write = _Write(statement, rows, loop.create_future())
        self._waiting.append(write)
        if self._drain is None or self._drain.done():
            self._drain = loop.create_task(self._commit_waiting())
        await write.kept

    async def aclose(self) -> None:
        """Finish what waits and close the file."""
        if self._drain is not None:
            await asyncio.wait({self._drain})
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            if not await self._kept(batch) and len(batch) > 1:
                for write in batch:  # the fault may be of one of them
                    await self._kept([write])

    async def _kept(self, batch: list[_Write]) -> bool:
        """Whether the batch could be committed; each write is answered, but for those that are tried alone after it."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, batch)
        except Exception as error:  # noqa: BLE001  whoever waits gets it, whatever it is
            for write in batch if len(batch) == 1 else []:
                if not write.kept.done():
                    write.kept.set_exception(error)
            return False
        for write in batch:
            if not write.kept.done():
                write.kept.set_result(None)
        return True

    def _commit(self, batch: list[_Write]) -> None:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None)
            self._connection.execute("PRAGMA synchronous=FULL")
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in batch:
                connection.executemany(write.statement, write.rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # on some faults, a full disk among them, SQLite has rolled back already
                connection.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
