"""Checkpoints in PostgreSQL: a pool instead of one connection, atomic writes, a lost connection made anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

import psycopg
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import ChannelVersions, Checkpoint, CheckpointMetadata, CheckpointTuple
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from configs.errors import CheckpointError
from graph.pending_writes import PendingWrites
from graph.postgres_locks import POLL_SECONDS, AdvisoryLocks, try_lock

POOL_SIZE = 16
"""Connections at most. A step holds one for about a millisecond, so 64 conversations rarely wait; PostgreSQL takes 100
in all as it comes."""
WAIT_SECONDS = 10.0
"""How long a read or write waits for a connection: a restart of the server is survived, its loss is told."""
SET_UP_SECONDS = 30.0
NEWEST = (
    "SELECT thread_id, MAX(checkpoint_id) AS newest FROM checkpoints WHERE checkpoint_ns = '' "
    "GROUP BY thread_id ORDER BY newest DESC LIMIT %s"
)
T = TypeVar("T")


@asynccontextmanager
async def open_postgres_checkpoints(url: str) -> AsyncIterator[PostgresCheckpoints]:
    """The checkpoints in a database, its tables created where they are missing.

    Raises:
        CheckpointError: the database cannot be reached or used.
    """
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())  # each failed try; what matters is raised
    try:
        await _set_up(url)
    except psycopg.Error as error:
        raise CheckpointError(f"MEMENTO_DATABASE_URL: PostgreSQL cannot be used ({_one_line(error)})") from error
    pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
        url,
        kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        min_size=1,
        max_size=POOL_SIZE,
        timeout=WAIT_SECONDS,
        open=False,
    )
    async with pool, AdvisoryLocks(url) as locks:
        yield PostgresCheckpoints(pool, locks)


async def _set_up(url: str) -> None:
    """Create the tables; one process at a time, since two would trip over each other's."""
    async with await AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=0, row_factory=dict_row, connect_timeout=10
    ) as connection:
        deadline = time.monotonic() + SET_UP_SECONDS
        while not await try_lock(connection, "memento tables"):
            if time.monotonic() > deadline:
                raise psycopg.OperationalError(
                    f"another process is creating the tables, for {SET_UP_SECONDS:.0f} s now"
                )
            await asyncio.sleep(POLL_SECONDS)
        await AsyncPostgresSaver(connection).setup()


class PostgresCheckpoints(AsyncPostgresSaver):
    """LangGraph's saver over a pool. Every read and write is tried again once, all being idempotent."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[DictRow]], locks: AdvisoryLocks) -> None:
        super().__init__(pool)
        self.lock = nullcontext()  # type: ignore[assignment]  # the library's lets one connection work at a time
        self._pool = pool
        self._pending = PendingWrites()
        self.held = locks.held

    @asynccontextmanager
    async def _cursor(self, *, pipeline: bool = False) -> AsyncIterator[AsyncCursor[DictRow]]:
        """As the library's, and what a pipeline writes is one transaction: half a step's result is none."""
        async with self._pool.connection() as connection:
            if not pipeline:
                async with connection.cursor(binary=True) as cursor:
                    yield cursor
            else:
                async with connection.pipeline(), connection.transaction(), connection.cursor(binary=True) as cursor:
                    yield cursor

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        put = super().aput
        return await self._tried_again(lambda: put(config, checkpoint, metadata, new_versions))

    def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> Coroutine[Any, Any, None]:
        """Begins at once; see `PendingWrites.begin`."""
        put, kept = super().aput_writes, list(writes)
        write = self._tried_again(lambda: put(config, kept, task_id, task_path))
        return self._pending.begin(str(config["configurable"]["thread_id"]), write)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        self._pending.forget(str(config["configurable"]["thread_id"]))
        get = super().aget_tuple
        return await self._tried_again(lambda: get(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        await self._tried_again(self._reach)
        try:
            async for each in super().alist(config, filter=filter, before=before, limit=limit):
                yield each
        except psycopg.Error as error:
            raise _lost(error) from error

    async def adelete_thread(self, thread_id: str) -> None:
        delete = super().adelete_thread
        await self._tried_again(lambda: delete(thread_id))

    async def settled(self, thread_id: str) -> None:
        await self._pending.settled(thread_id)

    async def newest_threads(self, limit: int) -> list[str]:
        async def read() -> list[str]:
            async with self._cursor() as cursor:
                await cursor.execute(NEWEST, (limit,))
                return [row["thread_id"] for row in await cursor.fetchall()]

        return await self._tried_again(read)

    async def _reach(self) -> None:
        async with self._cursor() as cursor:
            await cursor.execute("SELECT 1")

    async def _tried_again(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """A connection that the server has closed shows it only when it is used; then all of them are looked at."""
        try:
            try:
                return await attempt()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if isinstance(error, PoolTimeout | PoolClosed):
                    raise
                await self._pool.check()
                return await attempt()
        except psycopg.Error as error:
            raise _lost(error) from error


def _lost(error: psycopg.Error) -> CheckpointError:
    return CheckpointError(f"PostgreSQL: checkpoints cannot be kept or read ({_one_line(error)})")


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()) or type(error).__name__
