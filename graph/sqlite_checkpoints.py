"""Checkpoints in a SQLite file: writes share commits, faults have one type, a thread has one run at a time."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from filelock import FileLock, Timeout
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from configs.errors import CheckpointError, RunInUseError
from graph.group_commit import GroupCommit
from graph.pending_writes import PendingWrites

LOCKED_SECONDS = 30.0
"""How long a write waits for another process's."""
IN_USE_SECONDS = 2.0
"""How long a run waits for another one of its thread to end."""
PUT = (
    "INSERT OR REPLACE INTO checkpoints "
    "(thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
PUT_WRITES = (
    "INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
NEWEST = (
    "SELECT thread_id, MAX(checkpoint_id) AS newest FROM checkpoints WHERE checkpoint_ns = '' "
    "GROUP BY thread_id ORDER BY newest DESC LIMIT ?"
)
READABLE = "SELECT (SELECT rowid FROM checkpoints LIMIT 1), (SELECT rowid FROM writes LIMIT 1)"


@asynccontextmanager
async def open_sqlite(path: Path, *, locked_seconds: float = LOCKED_SECONDS) -> AsyncIterator[SqliteCheckpoints]:
    """The checkpoints in a file, which only its owner may read.

    Opening reads the header and the first page of each table, whatever the size of the file: damage further in is
    told when a run meets it.

    Raises:
        CheckpointError: the file cannot be used.
    """
    async with AsyncExitStack() as stack:
        try:
            await asyncio.to_thread(lambda: os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)))
            connection = await stack.enter_async_context(aiosqlite.connect(path, timeout=locked_seconds))
            writer = GroupCommit(path, timeout=locked_seconds)
            stack.push_async_callback(writer.aclose)
            saver = SqliteCheckpoints(connection, writer, path)
            await AsyncSqliteSaver.setup(saver)
            async with connection.execute(READABLE):
                pass
        except (OSError, sqlite3.Error) as error:
            raise CheckpointError(
                f"{path}: not a usable checkpoint database ({error}); move it away: past runs are lost, cases are not"
            ) from error
        yield saver


class SqliteCheckpoints(AsyncSqliteSaver):
    """LangGraph's saver with its two writes in our hands; reads and tables are the library's."""

    def __init__(self, connection: aiosqlite.Connection, writer: GroupCommit, path: Path) -> None:
        super().__init__(connection)
        self._writer = writer
        self._path = path
        self._pending = PendingWrites()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        known = config["configurable"]
        thread_id, namespace = str(known["thread_id"]), known["checkpoint_ns"]
        about = json.dumps(get_checkpoint_metadata(config, metadata), ensure_ascii=False).encode("utf-8", "ignore")
        row = (
            *(thread_id, namespace, checkpoint["id"], known.get("checkpoint_id")),
            *(*self.serde.dumps_typed(checkpoint), about),
        )
        with self._faults():
            await self._writer.write(PUT, [row])
        return {
            "configurable": {
                "thread_id": known["thread_id"],
                "checkpoint_ns": namespace,
                "checkpoint_id": checkpoint["id"],
            }
        }

    def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> Coroutine[Any, Any, None]:
        """Begins at once; see `PendingWrites.begin`."""
        known = config["configurable"]
        thread_id = str(known["thread_id"])
        where = (thread_id, str(known["checkpoint_ns"]), str(known["checkpoint_id"]), task_id, task_path)
        rows = [
            (*where, WRITES_IDX_MAP.get(channel, index), channel, *self.serde.dumps_typed(value))
            for index, (channel, value) in enumerate(writes)
        ]
        again = "REPLACE" if all(channel in WRITES_IDX_MAP for channel, _ in writes) else "IGNORE"
        return self._pending.begin(thread_id, self._write(f"INSERT OR {again} {PUT_WRITES}", rows))

    async def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._faults():
            await self._writer.write(statement, rows)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        self._pending.forget(str(config["configurable"]["thread_id"]))
        with self._faults():
            return await super().aget_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        with self._faults():
            async for each in super().alist(config, filter=filter, before=before, limit=limit):
                yield each

    async def adelete_thread(self, thread_id: str) -> None:
        with self._faults():
            await super().adelete_thread(thread_id)

    async def settled(self, thread_id: str) -> None:
        await self._pending.settled(thread_id)

    async def newest_threads(self, limit: int) -> list[str]:
        with self._faults():
            async with self.conn.execute(NEWEST, (limit,)) as cursor:
                return [str(row[0]) for row in await cursor.fetchall()]

    @asynccontextmanager
    async def held(self, thread_id: str) -> AsyncIterator[None]:
        name = hashlib.sha256(thread_id.encode()).hexdigest()[:32]
        path = self._path.parent / "locks" / f"{name}.lock"
        lock = FileLock(path, mode=0o600, thread_local=False)
        try:
            await asyncio.to_thread(_acquire, lock, path)
        except Timeout:
            raise RunInUseError(f"run {thread_id}: another process is working on it; wait until it ends") from None
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be locked ({error.strerror})") from error
        try:
            yield
        finally:
            await asyncio.shield(asyncio.to_thread(_release, lock, path))

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CheckpointError(f"{self._path}: checkpoints cannot be kept or read ({error})") from error


def _acquire(lock: FileLock, path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    lock.acquire(timeout=IN_USE_SECONDS)


def _release(lock: FileLock, path: Path) -> None:
    """The file goes while it is still locked: whoever had it open sees that it has no name and makes another."""
    path.unlink(missing_ok=True)
    lock.release()
