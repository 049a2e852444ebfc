"""The journal: one append-only JSON line an event, and the source of truth; the index can be rebuilt from it.

Reading takes no lock: an unfinished last line is not there yet. Writing is for whoever holds the home's writer lock;
it cuts an unfinished last line, which only a crash can have left, before it appends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from configs.errors import CaseBankError
from memory.case import Case, Reward
from memory.episode import Episode
from memory.ledger import Entry, Ledger

FILE = "journal.jsonl"


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float = Field(default_factory=time.time)


class CaseWritten(_Event):
    """A case came in: with its episode when an agent ran it, without one when it was imported."""

    kind: Literal["case"] = "case"
    case: Case
    episode: Episode | None = None
    archived: bool = False


class FeedbackGiven(_Event):
    """A person's reward replaces the earlier one."""

    kind: Literal["feedback"] = "feedback"
    case_id: str
    reward: Reward
    note: str = ""


class ArchiveChanged(_Event):
    """Cases were taken out of retrieval, or put back."""

    kind: Literal["archived", "restored"]
    case_ids: tuple[str, ...]


class Deleted(_Event):
    """Cases are gone for every reader; their lines stay in the file."""

    kind: Literal["deleted"] = "deleted"
    case_ids: tuple[str, ...]


Event: TypeAlias = CaseWritten | FeedbackGiven | ArchiveChanged | Deleted
_LINE: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def case_ids(event: Event) -> tuple[str, ...]:
    """The cases an event is about."""
    match event:
        case CaseWritten(case=case):
            return (case.id,)
        case FeedbackGiven(case_id=case_id):
            return (case_id,)
        case ArchiveChanged(case_ids=ids) | Deleted(case_ids=ids):
            return ids


def replay(home: Path) -> Ledger:
    """The current cases, read without a lock.

    Raises:
        CaseBankError: the journal cannot be read, or a line that is not the last is damaged.
    """
    journal = Journal(home)
    journal.refresh()
    return journal.ledger


class Journal:
    """The file and what it adds up to. Not thread-safe: the case bank serialises its use."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self.ledger = Ledger()
        self._offset = 0
        self._lines = 0

    def refresh(self) -> set[str]:
        """Fold in the lines written since the last call; the ids of the cases they are about."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                written = file.read()
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise CaseBankError(f"cannot read {self.path}: {error.strerror}") from error
        whole = written[: written.rfind(b"\n") + 1]
        changed = {id_ for line in whole.split(b"\n")[:-1] for id_ in self._fold(line)}
        self._offset += len(whole)
        return changed

    def append(self, events: Sequence[Event]) -> None:
        """Write events durably, all or none, and fold them in. Call `refresh` first.

        Raises:
            CaseBankError: they cannot be written; the file is as before.
        """
        data = b"".join(_LINE.dump_json(event, exclude_defaults=False) + b"\n" for event in events)
        try:
            created = not self.path.exists()
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                _write_at(descriptor, self._offset, data)
            finally:
                os.close(descriptor)
            if created:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise CaseBankError(f"cannot write {self.path}: {error.strerror}") from error
        for event in events:
            fold(self.ledger, event)
        self._offset += len(data)
        self._lines += len(events)

    def _fold(self, line: bytes) -> tuple[str, ...]:
        self._lines += 1
        try:
            event = _LINE.validate_json(line)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise CaseBankError(
                f"{self.path} line {self._lines} is damaged ({reason}); remove the line or restore a backup"
            ) from error
        fold(self.ledger, event)
        return case_ids(event)


def fold(ledger: Ledger, event: Event) -> None:
    """Apply one event. Idempotent; events about unknown cases change nothing."""
    match event:
        case CaseWritten(case=case, episode=episode, archived=archived):
            if case.id not in ledger.entries:
                ledger.put(Entry(case, archived=archived, episode=episode))
        case FeedbackGiven(case_id=case_id, reward=reward):
            if (entry := ledger.entries.get(case_id)) is not None:
                ledger.put(entry.rewarded(reward))
        case ArchiveChanged(kind=kind, case_ids=ids):
            for entry in (ledger.entries[id_] for id_ in ids if id_ in ledger.entries):
                ledger.put(entry.moved(archived=kind == "archived"))
        case Deleted(case_ids=ids):
            for case_id in ids:
                ledger.drop(case_id)


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
