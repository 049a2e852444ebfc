"""One run at a time on a thread, over all processes that share a PostgreSQL database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from configs.errors import CheckpointError, RunInUseError

IN_USE_SECONDS = 2.0
"""How long a run waits for another one of its thread to end, or for the server to notice that it was killed."""
POLL_SECONDS = 0.1
TRY = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
RELEASE = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


class AdvisoryLocks:
    """All locks of this process, on one connection: the server releases them when the process ends, however it does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()
        self._wanted: set[str] = set()
        self._held: set[str] = set()

    @asynccontextmanager
    async def held(self, thread_id: str) -> AsyncIterator[None]:
        """See `KeptRuns.held`."""
        told = RunInUseError(f"run {thread_id}: another process is working on it; wait until it ends")
        if thread_id in self._wanted:  # PostgreSQL gives one connection the same lock again
            raise told
        self._wanted.add(thread_id)
        try:
            deadline = time.monotonic() + IN_USE_SECONDS
            while not await self._taken(thread_id):
                if time.monotonic() > deadline:
                    raise told
                await asyncio.sleep(POLL_SECONDS)
            try:
                yield
            finally:
                await asyncio.shield(self._release(thread_id))
        finally:
            self._wanted.discard(thread_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()

    async def _taken(self, thread_id: str) -> bool:
        async with self._turn:
            try:
                try:
                    taken = await try_lock(await self._connected(), _name(thread_id))
                except psycopg.OperationalError:  # the server has closed it
                    taken = await try_lock(await self._connected(anew=True), _name(thread_id))
            except psycopg.Error as error:
                raise CheckpointError(f"PostgreSQL cannot be reached ({' '.join(str(error).split())})") from error
            if taken:
                self._held.add(thread_id)
            return taken

    async def _connected(self, *, anew: bool = False) -> AsyncConnection[Any]:
        """The connection. On a new one, the locks of the runs that go on are taken again."""
        if self._connection is None or self._connection.closed or anew:
            self._connection = await AsyncConnection.connect(self._url, autocommit=True, connect_timeout=10)
            for thread_id in self._held:
                await try_lock(self._connection, _name(thread_id))
        return self._connection

    async def _release(self, thread_id: str) -> None:
        async with self._turn:
            self._held.discard(thread_id)
            with suppress(psycopg.Error):  # a lost connection has released it
                if self._connection is not None:
                    await self._connection.execute(RELEASE, (_name(thread_id),))


async def try_lock(connection: AsyncConnection[Any], name: str) -> bool:
    """Take a lock of this connection, or not, at once: a query that waited for it would stop index creation."""
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(TRY, (name,))
        return bool(await cursor.fetchone())


def _name(thread_id: str) -> str:
    return f"memento run {thread_id}"
