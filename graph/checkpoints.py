"""Where the states of runs are kept: SQLite in the home folder, or PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver

from configs.errors import CheckpointError, ConfigurationError
from configs.settings import Settings

FILE_NAME = "checkpoints.sqlite"


@asynccontextmanager
async def open_checkpointer(settings: Settings) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Open the checkpoint database, creating its tables where they are missing.

    Raises:
        CheckpointError: the database is damaged or cannot be reached.
        ConfigurationError: PostgreSQL is asked for and its driver is not installed.
    """
    opener = _open_postgres(settings.database_url) if settings.database_url else _open_sqlite(settings.home / FILE_NAME)
    async with opener as saver:
        yield saver


@asynccontextmanager
async def _open_sqlite(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncExitStack() as stack:
        try:
            await asyncio.to_thread(lambda: os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)))
            connection = await stack.enter_async_context(aiosqlite.connect(path, timeout=30))
            await _check(connection)
            saver = AsyncSqliteSaver(connection)
            await saver.setup()
        except (OSError, sqlite3.Error) as error:
            raise CheckpointError(
                f"{path}: not a usable checkpoint database ({error}); move it away: past runs are lost, cases are not"
            ) from error
        yield saver


async def _check(connection: aiosqlite.Connection) -> None:
    """A damaged file fails now, in one line, instead of in the middle of a run."""
    async with connection.execute("PRAGMA quick_check(1)") as cursor:
        verdict = await cursor.fetchone()
    if verdict is None or verdict[0] != "ok":
        raise sqlite3.DatabaseError("the file is damaged")


@asynccontextmanager
async def _open_postgres(url: str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    try:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg import OperationalError
    except ImportError as error:
        raise ConfigurationError(
            "MEMENTO_DATABASE_URL: needs the extra 'postgres': pip install '.[postgres]'"
        ) from error
    try:
        async with AsyncPostgresSaver.from_conn_string(url) as saver:
            await saver.setup()
            yield saver
    except OperationalError as error:
        line = " ".join(str(error).split())
        raise CheckpointError(f"MEMENTO_DATABASE_URL: PostgreSQL cannot be reached ({line})") from error
