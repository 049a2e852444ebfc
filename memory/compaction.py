"""A journal without what was deleted: the lines about cases that are gone are left out, all others stay as they are.

The new file is written beside the old one and takes its place in one step, so that a crash leaves one of them whole.
What the lines said is then no longer in the file; copies, backups and the free blocks of a disk may still hold it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from memory.events import LINE, ArchiveChanged, CaseWritten, Deleted, FeedbackGiven
from memory.ledger import Ledger

SUFFIX = ".compacting"


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the journal before and after, how many deleted cases are no longer in it, and whether lines changed."""

    bytes_before: int
    bytes_after: int
    cases_erased: int
    rewritten: bool = False


class Compaction:
    """Decides line by line what of a journal stays.

    A case that was deleted and written again keeps what was written since; what it said before the deletion goes.
    """

    def __init__(self, path: Path, ledger: Ledger) -> None:
        self._path = path.resolve()  # a link stays one
        self._deleted = {row[0] for row in ledger.store.rows("SELECT id FROM cases WHERE deleted")}
        self._ledger = ledger
        self._erased: set[str] = set()
        self._changed = False

    def run(self, size: int) -> Compacted:
        """Rewrite the first `size` bytes, which end with a whole line; the file stays as it is if nothing goes.

        Raises:
            OSError: the new file cannot be written; the old one is as before.
        """
        new = self._path.with_name(self._path.name + SUFFIX)
        new.unlink(missing_ok=True)  # of a compaction that was killed
        last_deleted = self._last_deleted(size)
        try:
            after = self._write(new, size, last_deleted)
            if self._changed:
                new.replace(self._path)
                sync_folder(self._path.parent)
        finally:
            new.unlink(missing_ok=True)
        return Compacted(size, after, len(self._erased), self._changed)

    def _last_deleted(self, size: int) -> dict[str, int]:
        """The line of the last deletion of each case that ever was one."""
        found: dict[str, int] = {}
        for number, line in _lines(self._path, size):
            if b'"deleted"' in line and isinstance(event := LINE.validate_json(line), Deleted):
                found.update(dict.fromkeys(event.case_ids, number))
        known = self._ledger.known(found)
        return {id_: number for id_, number in found.items() if id_ in known}

    def _write(self, new: Path, size: int, last_deleted: dict[str, int]) -> int:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for number, line in _lines(self._path, size):
                kept = self._kept(line, number, last_deleted)
                self._changed |= kept is not line
                file.write(kept)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def _kept(self, line: bytes, number: int, last_deleted: dict[str, int]) -> bytes:
        """The line, what of it is about other cases, or nothing."""

        def gone(case_id: str) -> bool:
            return case_id in self._deleted or number <= last_deleted.get(case_id, 0)

        event = LINE.validate_json(line)
        match event:
            case CaseWritten(case=case):
                if gone(case.id):
                    self._erased.add(case.id)
                    return b""
            case FeedbackGiven(case_id=case_id):
                return b"" if gone(case_id) else line
            case ArchiveChanged(case_ids=ids) | Deleted(case_ids=ids):
                others = tuple(id_ for id_ in ids if not gone(id_))
                if others != ids:
                    return LINE.dump_json(event.model_copy(update={"case_ids": others})) + b"\n" if others else b""
        return line


def _lines(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Number and text, with its end, of each line in the first so many bytes."""
    number = 0
    with path.open("rb") as file:
        while file.tell() < size:
            number += 1
            yield number, file.readline()


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
