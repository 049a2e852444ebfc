"""PostgreSQL is an extra: what is missing without it is told in one line."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError

if TYPE_CHECKING:
    from graph.postgres_checkpoints import PostgresCheckpoints


def open_postgres(url: str) -> AbstractAsyncContextManager[PostgresCheckpoints]:
    """The checkpoints in a PostgreSQL database.

    Raises:
        ConfigurationError: its driver is not installed.
    """
    try:
        from graph.postgres_checkpoints import open_postgres_checkpoints
    except ImportError as error:
        raise ConfigurationError(
            "MEMENTO_DATABASE_URL: needs the extra 'postgres': pip install '.[postgres]'"
        ) from error
    return open_postgres_checkpoints(url)
