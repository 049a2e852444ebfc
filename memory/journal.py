"""The journal: one JSON line an event, appended, and the source of truth; ledger and index are made from it.

Reading takes no lock: an unfinished last line is not there yet. Writing is for whoever holds the home's writer lock;
it cuts an unfinished last line, which only a crash can have left, before it appends. Lines are taken out only by
`compact`, which puts another file in its place.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ValidationError

from configs.errors import CaseBankError
from memory.compaction import Compacted, Compaction, sync_folder
from memory.events import LINE, Event
from memory.ledger import Ledger
from memory.ledger_fold import Fold, Place
from memory.ledger_store import DamagedLedgerError, discard, open_store

FILE = "journal.jsonl"
CHUNK = 16 * 1024 * 1024
"""Bytes folded in one transaction, unless one line is longer."""


def replay(home: Path) -> Ledger:
    """The current cases, read without a lock.

    Raises:
        CaseBankError: the journal cannot be read, or a line that is not the last is damaged.
    """
    journal = Journal(home)
    journal.refresh()
    return journal.ledger


@dataclass(frozen=True, slots=True)
class _Folded:
    """How far the ledger has the journal, and how to know the file again.

    Lines, bytes, a mark of the last line, a hash over all lines, and which file it was and when it was last changed.
    """

    lines: int = 0
    offset: int = 0
    mark: str = ""
    chain: str = ""
    seen: str = ""


class Journal:
    """The file and the ledger it adds up to. Not thread-safe: the case bank serialises its use."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        try:
            self._store = open_store(home)
        except OSError as error:
            raise CaseBankError(f"cannot open the ledger in {home}: {error}") from error
        self.ledger = Ledger(self._store, self.path)

    @property
    def damaged(self) -> bool:
        """Whether the ledger turned out damaged and the next `refresh` makes it anew."""
        return self._store.damaged

    def close(self) -> None:
        """Let go of the ledger's file."""
        self._store.close()

    @property
    def replaced(self) -> bool:
        """Whether another process has made the ledger anew, so that `refresh` has to open that one."""
        return not self._store.usable

    def refresh(self) -> None:
        """Fold in what was written since the ledger was last brought up to date, by whomever.

        Raises:
            CaseBankError: the journal cannot be read, or a line that is not the last is damaged.
        """
        try:
            self._follow()
        except DamagedLedgerError:
            self._begin_anew()
            self._follow()

    def _follow(self) -> None:
        try:
            if not self._is_known():
                self._begin_anew()
            while self._fold_chunk():
                pass
        except FileNotFoundError:
            return
        except OSError as error:
            raise CaseBankError(f"cannot read {self.path}: {error.strerror}") from error

    def append(self, events: Sequence[Event]) -> None:
        """Write events durably and fold them in: all or none, but that a crash may leave the first ones of them.

        Raises:
            CaseBankError: they cannot be written, and the file is as before; or they are, and the ledger cannot
                follow until it can be written.
        """
        lines = [LINE.dump_json(event) for event in events]
        self.refresh()  # what the ledger could not follow earlier must not be taken for a torn line and cut
        folded = self._folded()
        try:
            created = not self.path.exists()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                _write_at(descriptor, folded.offset, b"".join(line + b"\n" for line in lines))
            finally:
                os.close(descriptor)
            if created:
                sync_folder(self.path.parent)
        except OSError as error:
            raise CaseBankError(f"cannot write {self.path}: {error.strerror}") from error
        self._fold_written(folded, list(zip(events, lines, strict=True)))

    def compact(self) -> Compacted:
        """Take the lines about deleted cases out of the file and make the ledger anew. For who may append.

        Raises:
            CaseBankError: the journal cannot be read or written, and is as before.
        """
        self.refresh()
        size = self._folded().offset
        if not size:
            return Compacted(0, 0, 0)
        try:
            done = Compaction(self.path, self.ledger).run(size)
        except OSError as error:
            raise CaseBankError(f"cannot rewrite {self.path}: {error.strerror}") from error
        if done.rewritten:
            self._begin_anew()
            self.refresh()
        return done

    def _fold_written(self, before: _Folded, written: Sequence[tuple[Event, bytes]]) -> None:
        """Fold what was just written, unless a reader has done so meanwhile."""
        with self._store.writing() as db:
            if self._folded() == before:
                self._fold_all(db, before, iter(written), _seen(self.path.stat()))
        self.refresh()

    def _fold_chunk(self) -> bool:
        """Fold at most about CHUNK bytes; whether there may be more."""
        if self.path.stat().st_size == self._folded().offset:
            return False
        with self._store.writing() as db, self.path.open("rb") as file:
            folded, status = self._folded(), os.fstat(file.fileno())
            file.seek(folded.offset)
            data = file.read(min(CHUNK, max(status.st_size - folded.offset, 0)))
            while b"\n" not in data and (more := file.read(CHUNK)):
                data += more
            whole = data[: data.rfind(b"\n") + 1]
            lines = whole.split(b"\n")[:-1]
            written = ((self._parsed(line, at), line) for at, line in enumerate(lines, folded.lines + 1))
            self._fold_all(db, folded, written, _seen(status))
        return bool(whole)

    def _fold_all(
        self, db: sqlite3.Connection, folded: _Folded, written: Iterator[tuple[Event, bytes]], seen: str
    ) -> None:
        number, start, mark, chain = folded.lines, folded.offset, folded.mark, folded.chain
        fold = Fold(db)
        for event, line in written:
            number += 1
            fold.apply(event, Place(number, start, len(line)))
            start += len(line) + 1
            mark, chain = _mark(line), _link(chain, line)
        fold.flush()
        values = asdict(_Folded(number, start, mark, chain, seen))
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def _parsed(self, line: bytes, number: int) -> Event:
        try:
            return LINE.validate_json(line)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise CaseBankError(
                f"{self.path} line {number} is damaged ({reason}); remove the line or restore a backup"
            ) from error

    def _folded(self) -> _Folded:
        rows = self._store.rows("SELECT key, value FROM meta WHERE key IN ('lines', 'offset', 'mark', 'chain', 'seen')")
        return _Folded(**dict(rows))

    def _begin_anew(self) -> None:
        """A new ledger, for the file that was folded is not the one that is there, or the ledger is not."""
        path = self._store.path
        self._store.close()
        if path is not None and (self._store.damaged or self._store.usable):  # else another process has replaced it
            discard(path)
        self._store = open_store(self.path.parent)
        self.ledger = Ledger(self._store, self.path)

    def _is_known(self) -> bool:
        """Whether the ledger is of this file: not one that was cut or edited, or another."""
        if not self._store.usable:
            return False
        folded = self._folded()
        if folded.offset == 0:
            return True
        try:
            now = self.path.stat()
        except FileNotFoundError:
            raise CaseBankError(
                f"{self.path} is gone, of which {self._store.path} remembers {folded.lines} lines: restore it, "
                "or delete that file too to begin with an empty bank"
            ) from None
        if now.st_size > folded.offset:
            return self._ends_as(folded)
        if _seen(now) == folded.seen:
            return True
        if not self._ends_as(folded) or self._chain(folded.offset) != folded.chain:
            return False
        with suppress(CaseBankError), self._store.writing() as db:  # touched or copied, but the same
            db.execute("UPDATE meta SET value = ? WHERE key = 'seen' AND value = ?", (_seen(now), folded.seen))
        return True

    def _chain(self, size: int) -> str:
        chain = ""
        with self.path.open("rb") as file:
            while file.tell() < size:
                chain = _link(chain, file.readline().removesuffix(b"\n"))
        return chain

    def _ends_as(self, folded: _Folded) -> bool:
        length = int(folded.mark.partition(":")[0])
        try:
            with self.path.open("rb") as file:
                line = os.pread(file.fileno(), length + 1, folded.offset - length - 1)
        except FileNotFoundError:
            return False
        return line.endswith(b"\n") and _mark(line[:-1]) == folded.mark


def _mark(line: bytes) -> str:
    return f"{len(line)}:{hashlib.sha256(line).hexdigest()[:16]}"


def _link(chain: str, line: bytes) -> str:
    return hashlib.sha256(chain.encode() + line).hexdigest()[:16]


def _seen(status: os.stat_result) -> str:
    return f"{status.st_ino}:{status.st_mtime_ns}:{status.st_size}"


def _write_at(descriptor: int, offset: int, data: bytes) -> None:
    """Replace whatever follows `offset` (nothing, or a torn line) by `data`; on failure cut back to `offset`."""
    os.ftruncate(descriptor, offset)
    try:
        view, position = memoryview(data), offset
        while view:
            written = os.pwrite(descriptor, view, position)
            view, position = view[written:], position + written
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, offset)
        raise
