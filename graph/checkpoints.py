"""Where the states of runs are kept: SQLite in the home folder, or PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from langgraph.checkpoint.base import BaseCheckpointSaver

from configs.errors import ConfigurationError
from configs.settings import Settings
from graph.server_checkpoints import stored

if TYPE_CHECKING:
    from graph.postgres_checkpoints import PostgresCheckpoints
    from graph.sqlite_checkpoints import SqliteCheckpoints

FILE_NAME = "checkpoints.sqlite"


@runtime_checkable
class KeptRuns(Protocol):
    """What our checkpointers can do besides LangGraph's contract. A server brings its own checkpointer, without."""

    async def settled(self, thread_id: str) -> None:
        """Wait until every write of a thread that was handed over is kept.

        Raises:
            CheckpointError: one could not be kept.
        """
        ...

    def held(self, thread_id: str) -> AbstractAsyncContextManager[None]:
        """Keep a thread to oneself, against every other run in this process or another one.

        Raises:
            RunInUseError: another run has it.
            CheckpointError: the lock cannot be reached.
        """
        ...

    async def newest_threads(self, limit: int) -> list[str]:
        """The ids of the threads written to last, newest first.

        Raises:
            CheckpointError: the checkpoints cannot be read.
        """
        ...


@asynccontextmanager
async def open_checkpointer(settings: Settings) -> AsyncIterator[SqliteCheckpoints | PostgresCheckpoints]:
    """Open the checkpoint database, creating its tables where they are missing.

    Raises:
        CheckpointError: the database is damaged or cannot be reached.
        ConfigurationError: PostgreSQL is asked for and its driver is not installed.
    """
    if settings.database_url:
        opener = await asyncio.to_thread(_postgres_opener)  # importing the driver reads files
        async with opener(settings.database_url) as in_postgres:
            yield in_postgres
    else:
        from graph.sqlite_checkpoints import open_sqlite

        async with open_sqlite(settings.home / FILE_NAME) as in_sqlite:
            yield in_sqlite


def _postgres_opener() -> Callable[[str], AbstractAsyncContextManager[PostgresCheckpoints]]:
    try:
        from graph.postgres_checkpoints import open_postgres_checkpoints
    except ImportError as error:
        raise ConfigurationError(
            "MEMENTO_DATABASE_URL: needs the extra 'postgres': pip install '.[postgres]'"
        ) from error
    return open_postgres_checkpoints


async def settled(checkpointer: BaseCheckpointSaver[Any] | None, thread_id: str, token: str = "") -> None:
    """Wait until what a thread wrote is kept.

    Args:
        checkpointer: one of ours, or None or any other where a server brings its own.
        thread_id: of the run.
        token: a text in the result of the latest step, by which a server's checkpointer is asked for it; without one
            it is not waited for.

    Raises:
        CheckpointError: it could not be kept.
    """
    if isinstance(checkpointer, KeptRuns):
        await checkpointer.settled(thread_id)
    elif token:
        await stored(token)


def held(checkpointer: BaseCheckpointSaver[Any] | None, thread_id: str) -> AbstractAsyncContextManager[None]:
    """Keep a thread to oneself; with a checkpointer that has no locks, whoever owns it has to."""
    return checkpointer.held(thread_id) if isinstance(checkpointer, KeptRuns) else nullcontext()
