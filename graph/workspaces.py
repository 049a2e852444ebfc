"""A folder for each thread, where the files of its tasks lie. What is in it is treated as hostile."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.errors import InvalidInputError, ToolCallError
from tools.result_text import size_text
from tools.workspace import Workspace
from tools.workspaces import workspace

MAX_FILE_BYTES = 100_000_000
TEXT_BYTES = 200_000
QUOTA = 1_000_000_000
THREAD_ID = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Workspaces:
    """The workspaces under a home folder; quota: bytes that one may hold."""

    home: Path
    quota: int = QUOTA

    def of(self, thread_id: str) -> Workspace:
        """The thread's workspace."""
        return workspace(self.home, folder_name(thread_id), self.quota)

    def folder(self, thread_id: str) -> Path:
        """The thread's folder."""
        return self.of(thread_id).folder

    async def add(self, thread_id: str, paths: Sequence[Path]) -> list[str]:
        """Copy files into the thread's workspace and return their names there.

        Raises:
            InvalidInputError: a path is not a readable regular file, is too large, or two share a name.
        """
        return await asyncio.to_thread(self._add, thread_id, paths)

    async def read(self, thread_id: str, names: Sequence[str]) -> dict[str, str]:
        """The text of each file, or a line in brackets that says why there is none. Never leaves the workspace."""
        if not names:
            return {}
        return await asyncio.to_thread(lambda: {name: self._read(thread_id, name) for name in names})

    def _add(self, thread_id: str, paths: Sequence[Path]) -> list[str]:
        names = [path.name for path in paths]
        if len(set(names)) < len(names):
            raise InvalidInputError("--file: two files have the same name")
        for path in paths:
            check_file(path)
        for path in paths:
            try:
                with path.open("rb") as file:
                    self.of(thread_id).fill(path.name, file, os.fstat(file.fileno()).st_size)
            except OSError as error:
                raise InvalidInputError(f"--file {path}: cannot be copied ({error.strerror})") from error
            except ToolCallError as error:
                raise InvalidInputError(f"--file {path}: cannot be copied ({error})") from error
        return names

    def _read(self, thread_id: str, name: str) -> str:
        if "/" in name:
            return "[not read: a file is named without a folder]"
        try:
            with self.of(thread_id).open(name) as file:
                return _as_text(name, file.read(TEXT_BYTES), os.fstat(file.fileno()).st_size)
        except ToolCallError as error:
            return f"[not read: {error}]"


def folder_name(own: str) -> str:
    """The id of a thread or a task as the name of a folder; an unusual one is hashed, so that it never names a path."""
    plain = THREAD_ID.fullmatch(own) and not own.startswith(".")
    return own if plain else hashlib.sha256(own.encode("utf-8", "replace")).hexdigest()[:32]


def check_file(path: Path) -> None:
    """See that a file of the caller's can be taken.

    Raises:
        InvalidInputError: it is missing, no regular file, unreadable or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidInputError(f"--file {path}: not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise InvalidInputError(f"--file {path}: {status.st_size} bytes, at most {MAX_FILE_BYTES} are taken")
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"--file {path}: cannot be read ({reason})") from error


def _as_text(name: str, data: bytes, size: int) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:
            return _binary(name, size)
        text = data[: error.start].decode("utf-8")
    if "\0" in text:
        return _binary(name, size)
    return text if len(data) == size else f"{text}\n[... {size - len(data)} more bytes not shown ...]"


def _binary(name: str, size: int) -> str:
    """What stands for a file that is no text: its kind, its size, and how to get at what is in it."""
    kind = mimetypes.guess_type(name)[0] or "unknown kind"
    return f"[{kind}, {size_text(size)}, not shown; read_document and other tools that take a path read it by its name]"
