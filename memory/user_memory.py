"""What a user wants to be kept in mind: wishes and facts in the user's own words, one file a namespace.

The file is written as a whole under a lock, so several processes may write; reading takes no lock. No user can reach
another's notes: the file's name is a hash of the namespace, and the file names the namespace it belongs to.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import unicodedata
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.errors import CaseBankError, InvalidInputError
from configs.private_folders import private_folder
from configs.settings import Settings, secrets
from memory.private_files import write_private
from memory.redaction import redact

FOLDER = "users"
MOST_NOTES = 100
NOTE_CHARS = 500
NAMESPACE_CHARS = 500
WAIT_SECONDS = 5.0
NoteSource = Literal["said", "command"]


class UserNote(BaseModel):
    """One wish or fact, on one line. `said` in a task, or given by a command. `created_at`: epoch seconds, UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str
    text: str
    created_at: float
    source: NoteSource


class _Notes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    namespace: str
    notes: tuple[UserNote, ...] = Field(default=(), max_length=MOST_NOTES)


@dataclass(frozen=True, slots=True)
class Kept:
    """A note as it stands, and whether it is a new one."""

    note: UserNote
    new: bool


@dataclass(frozen=True, slots=True)
class UserMemory:
    """The notes of one namespace. Blocking; safe between threads and processes. Making one touches no file.

    Every method raises CaseBankError where the file cannot be read or written, is damaged or is another namespace's.
    """

    home: Path
    namespace: str
    hidden: Collection[str] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        try:
            self.namespace.encode()
        except UnicodeEncodeError:
            raise InvalidInputError("a namespace is text that can be written as UTF-8") from None
        if not 0 < len(self.namespace) <= NAMESPACE_CHARS:
            raise InvalidInputError(f"a namespace takes 1 to {NAMESPACE_CHARS} characters")

    @classmethod
    def of(cls, settings: Settings) -> UserMemory:
        """The notes of whoever this process works for: the one place that says whose they are."""
        return cls(settings.home, settings.namespace, tuple(secrets(settings)))

    @property
    def path(self) -> Path:
        """Where the notes are kept."""
        return self.home / FOLDER / f"{hashlib.sha256(self.namespace.encode()).hexdigest()[:12]}.json"

    def notes(self) -> list[UserNote]:
        """All of them, oldest first."""
        return list(self._read().notes)

    def add(self, text: str, source: NoteSource) -> Kept:
        """Keep a note; one that says the same already is kept as it is.

        Raises:
            InvalidInputError: the text is empty or too long, or there are MOST_NOTES notes.
        """
        text = self._checked(text)
        with self._changing() as notes:
            same = _saying(text, notes)
            if same is not None:
                return Kept(same, new=False)
            if len(notes) >= MOST_NOTES:
                raise InvalidInputError(f"there are {MOST_NOTES} notes, which is all there may be; delete some first")
            note = UserNote(id=uuid.uuid4().hex[:12], text=text, created_at=time.time(), source=source)
            self._write([*notes, note])
        return Kept(note, new=True)

    def edit(self, note_id: str, text: str) -> UserNote:
        """Give a note another text.

        Raises:
            InvalidInputError: as `add`, or there is no such note, or another one says the same.
        """
        text = self._checked(text)
        with self._changing() as notes:
            old = _by_id(notes, note_id)
            same = _saying(text, notes)
            if same is not None and same.id != note_id:
                raise InvalidInputError(f"note {same.id} says the same")
            changed = old.model_copy(update={"text": text, "source": "command"})
            self._write([changed if note.id == note_id else note for note in notes])
        return changed

    def delete(self, note_ids: Collection[str]) -> None:
        """Remove notes; InvalidInputError if one is unknown, and nothing changes."""
        with self._changing() as notes:
            for note_id in note_ids:
                _by_id(notes, note_id)
            self._write([note for note in notes if note.id not in note_ids])

    def clear(self) -> list[str]:
        """Remove every note with their file; the ids they had."""
        with self._changing() as notes:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise CaseBankError(f"cannot delete {self.path}: {error.strerror}") from error
        return [note.id for note in notes]

    async def anotes(self) -> list[UserNote]:
        """`notes` for an event loop."""
        return await asyncio.to_thread(self.notes)

    async def aadd(self, text: str, source: NoteSource) -> Kept:
        """`add` for an event loop."""
        return await asyncio.to_thread(self.add, text, source)

    def _checked(self, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInputError("a note is text that can be written as UTF-8") from None
        line = redact(" ".join(text.replace("\0", " ").split()), self.hidden)
        if not line:
            raise InvalidInputError("the note is empty")
        if len(line) > NOTE_CHARS:
            raise InvalidInputError(f"a note takes at most {NOTE_CHARS} characters, this one has {len(line)}")
        return line

    @contextmanager
    def _changing(self) -> Iterator[list[UserNote]]:
        """The notes as they are, which nobody else can change meanwhile."""
        lock = FileLock(self.path.with_suffix(".lock"), timeout=WAIT_SECONDS, mode=0o600, poll_interval=0.01)
        try:
            private_folder(self.path.parent)
            lock.acquire()
        except Timeout:
            raise CaseBankError(f"{self.path} is being written by another process: try again") from None
        except OSError as error:
            raise CaseBankError(f"cannot write {self.path}: {error.strerror}") from error
        try:
            yield list(self._read().notes)
        finally:
            lock.release()

    def _read(self) -> _Notes:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return _Notes(namespace=self.namespace)
        except OSError as error:
            raise CaseBankError(f"cannot read {self.path}: {error.strerror}") from error
        try:
            held = _Notes.model_validate_json(data)
        except ValidationError as error:
            reason = error.errors(include_url=False, include_input=False)[0]["msg"].splitlines()[0]
            raise CaseBankError(f"{self.path} is damaged ({reason}); restore a backup or remove the file") from None
        if held.namespace != self.namespace:
            raise CaseBankError(f"{self.path} holds the notes of another namespace; restore a backup or remove it")
        return held

    def _write(self, notes: Sequence[UserNote]) -> None:
        data = _Notes(namespace=self.namespace, notes=tuple(notes)).model_dump_json(indent=1)
        try:
            write_private(self.path, data.encode())
        except OSError as error:
            raise CaseBankError(f"cannot write {self.path}: {error.strerror}") from error


def _by_id(notes: Sequence[UserNote], note_id: str) -> UserNote:
    for note in notes:
        if note.id == note_id:
            return note
    raise InvalidInputError(f"there is no note {note_id[:100]!r}")


def _saying(text: str, notes: Sequence[UserNote]) -> UserNote | None:
    """The note that says the same: compared without case, width and closing marks."""
    return next((note for note in notes if _normalised(note.text) == _normalised(text)), None)


def _normalised(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .!")
