"""The SQLite file of the ledger: a table of contents of the journal, which can be thrown away and made again.

Several processes may fold the journal into it: each does so in one transaction that first looks how far it is folded.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from configs.errors import CaseBankError

FILE = "ledger.sqlite"
FORMAT = "4"
BUSY_SECONDS = 30.0
Row = tuple[Any, ...]

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE cases (
    seq INTEGER PRIMARY KEY,        -- the line of the journal that wrote it
    id TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    start INTEGER NOT NULL,         -- where that line is, in bytes
    length INTEGER NOT NULL,
    reward INTEGER,
    source TEXT,                    -- of the reward
    archived INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL DEFAULT 0,  -- may be retrieved, and is the first of its exact duplicates
    twin BLOB NOT NULL,             -- equal for exact duplicates: task and plan
    created_at REAL NOT NULL,
    plan_length INTEGER NOT NULL,
    subtasks INTEGER NOT NULL,      -- rows of the subtask index if it succeeded
    origin TEXT NOT NULL,
    prior REAL NOT NULL,            -- trust before any use
    learned INTEGER NOT NULL,       -- has an episode to learn from
    uses INTEGER NOT NULL DEFAULT 0,
    judged INTEGER NOT NULL DEFAULT 0,
    wins INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX twins ON cases (twin);
CREATE INDEX retrievable ON cases (namespace, created_at) WHERE indexed;
CREATE INDEX episodes ON cases (namespace, seq) WHERE learned AND NOT deleted;
CREATE VIEW entries AS
    SELECT seq, start, length, reward, source, archived, indexed, origin, id, namespace, learned, prior
    FROM cases WHERE NOT deleted;
CREATE TABLE known_as (             -- the runs and threads that cases are from
    namespace TEXT, kind TEXT, name TEXT, seq INTEGER, PRIMARY KEY (namespace, kind, name, seq)
) WITHOUT ROWID;
CREATE TABLE shown (seq INTEGER, case_id TEXT, PRIMARY KEY (seq, case_id)) WITHOUT ROWID;
CREATE INDEX showings ON shown (case_id);
CREATE TABLE counts (namespace TEXT, kind TEXT, n INTEGER NOT NULL, PRIMARY KEY (namespace, kind)) WITHOUT ROWID;
CREATE TABLE pending (id TEXT PRIMARY KEY, changed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE policies (
    name TEXT, namespace TEXT, epoch INTEGER, upto INTEGER, state TEXT, PRIMARY KEY (name, namespace)
) WITHOUT ROWID;
"""


class DamagedLedgerError(CaseBankError):
    """The file is no ledger of this format, or no longer one; it can be made again from the journal."""


class LedgerStore:
    """One connection, shared by threads. `path` None keeps it in memory, for a home that cannot be written.

    Every method raises CaseBankError where SQLite fails, DamagedLedgerError where a new file would not.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.damaged = False
        self._lock = threading.RLock()
        with self._told():
            self._connection = _connect(path)
        self._closing = weakref.finalize(self, self._connection.close)
        self._file = None if path is None else path.stat().st_ino

    @property
    def usable(self) -> bool:
        """Whether the file is whole, as far as known, and still the one at its path."""
        try:
            return not self.damaged and (self.path is None or self.path.stat().st_ino == self._file)
        except OSError:
            return False

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Every row of a query."""
        with self._lock, self._told():
            return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the first row, None if there is none."""
        with self._lock, self._told():
            row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among processes: all of it happens or nothing."""
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if error.__class__ is sqlite3.DatabaseError or "no such" in str(error):  # malformed, or not a database
                self.damaged = True
                raise DamagedLedgerError(f"the ledger {self.path} is damaged: {error}") from error
            raise CaseBankError(f"cannot use the ledger {self.path}: {error}") from error

    def condemn(self) -> None:
        """Have whoever opens the file next make it anew: it says what the journal does not."""
        with suppress(CaseBankError), self.writing() as db:
            db.execute("UPDATE meta SET value = 'condemned' WHERE key = 'format'")
        self.damaged = True

    def close(self) -> None:
        """Release the file. Idempotent."""
        with self._lock:
            self._closing()


def open_store(home: Path) -> LedgerStore:
    """The store of a home; one in memory where the home is not there or cannot be written.

    A file that is no ledger of this format, or a damaged one, is replaced by an empty one.
    """
    path = home / FILE
    if not home.is_dir() or not os.access(home, os.W_OK):
        return _made(LedgerStore(None))
    for _ in range(2):
        try:
            return _made(LedgerStore(path))
        except DamagedLedgerError:
            discard(path)
        except CaseBankError:
            break
    return _made(LedgerStore(None))


def discard(path: Path) -> None:
    """Remove a ledger file with what SQLite keeps beside it."""
    for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        name.unlink(missing_ok=True)


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _made(store: LedgerStore) -> LedgerStore:
    """The store with its tables."""
    with store.writing() as connection:
        if connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'meta'").fetchone()[0] == 0:
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
    if store.value("SELECT value FROM meta WHERE key = 'format'") != FORMAT:
        store.close()
        raise DamagedLedgerError(f"the ledger {store.path} is of another format")
    return store
