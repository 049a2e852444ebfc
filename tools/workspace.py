"""A folder of files that a task works in, read and written from outside as something hostile.

What runs in the sandbox may put links, pipes and sockets there, and swap them while we look. So every path is walked
from the folder's descriptor, one name at a time, without following links, and only regular files are opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from configs.errors import ToolCallError

MOUNT = "/workspace"
"""Where the sandbox shows the folder; models may name files from there."""
MAX_PATH = 1000
MAX_ENTRIES = 10_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path from the workspace's root with `/`, its size in bytes, its time of change in seconds."""

    path: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace of one thread. Blocking: call it in a thread.

    Attributes:
        folder: on this machine; need not be there yet.
        quota: bytes that all files together may take.
        owner: the user id that files get where this process may give them away, or None.
    """

    folder: Path
    quota: int
    owner: int | None = None

    def prepare(self) -> None:
        """Create the folder (0700)."""
        if not self.folder.is_dir():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._give_away(self.folder)

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A regular file, for reading.

        Raises:
            ToolCallError: the path leaves the workspace, or is no regular file; meant for the model.
        """
        with self._parent(path, create=False) as (folder, name), self._opened(path, folder, name, os.O_RDONLY) as file:
            yield file

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes.

        Raises:
            ToolCallError: as `open`, or it is larger than `limit` bytes.
        """
        with self.open(path) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ToolCallError(f"{shown(path)} is larger than the {limit:,} bytes that are read")
        return data

    def write(self, path: str, data: bytes) -> None:
        """Replace or create a file, and the folders it is in.

        Raises:
            ToolCallError: as `open`, or the workspace is full.
        """
        if self.used() + len(data) > self.quota:
            raise ToolCallError(f"the workspace is full: it takes {self.quota:,} bytes in all")
        with self._parent(path, create=True) as (folder, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with suppress(FileNotFoundError):
                if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise ToolCallError(f"{shown(path)} is a folder")
                os.unlink(name, dir_fd=folder)
            with self._opened(path, folder, name, flags) as file:
                file.write(data)
                if self.owner is not None:
                    os.fchown(file.fileno(), self.owner, self.owner)

    def free_name(self, path: str) -> str:
        """The path, or the same with a number where something of that name is there already."""
        stem, dot, ending = path.rpartition(".")
        if not dot or "/" in ending:
            stem, dot, ending = path, "", ""
        number, found = 1, path
        while self._is_there(found):
            number += 1
            found = f"{stem}-{number}{dot}{ending}"
        return found

    def entries(self) -> list[Entry]:
        """Every regular file, by path; at most MAX_ENTRIES."""
        if not self.folder.is_dir():
            return []
        found: list[Entry] = []
        for _, name, folder, prefix in self._walk():
            with suppress(OSError):
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append(Entry(f"{prefix}{name}", status.st_size, status.st_mtime))
            if len(found) >= MAX_ENTRIES:
                break
        return sorted(found, key=lambda entry: entry.path)

    def used(self) -> int:
        """Bytes that all files take together."""
        return sum(entry.size for entry in self.entries())

    def _walk(self) -> Iterator[tuple[str, str, int, str]]:
        top = str(self.folder)
        for root, _, names, folder in os.fwalk(top, follow_symlinks=False):
            prefix = os.path.relpath(root, top)
            for name in names:
                yield root, name, folder, "" if prefix == "." else f"{prefix}/"

    def _is_there(self, path: str) -> bool:
        with suppress(ToolCallError, OSError), self._parent(path, create=False) as (folder, name):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            return True
        return False

    @contextmanager
    def _parent(self, path: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """The descriptor of the folder a path's last name is in, and that name."""
        *folders, name = parts(path)
        if create:
            self.prepare()
        try:
            current = os.open(self.folder, _FOLDER)
        except OSError as error:
            raise _refused(path, error) from None
        try:
            for each in folders:
                current = self._entered(path, current, each, create)
            yield current, name
        finally:
            os.close(current)

    def _entered(self, path: str, current: int, name: str, create: bool) -> int:
        try:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=current)
                    if self.owner is not None:
                        os.chown(name, self.owner, self.owner, dir_fd=current, follow_symlinks=False)
            inner = os.open(name, _FOLDER, dir_fd=current)
        except OSError as error:
            raise _refused(path, error) from None
        os.close(current)
        return inner

    @contextmanager
    def _opened(self, path: str, folder: int, name: str, flags: int) -> Iterator[BinaryIO]:
        try:
            descriptor = os.open(name, flags | _FILE, 0o600, dir_fd=folder)
        except OSError as error:
            raise _refused(path, error) from None
        with os.fdopen(descriptor, "wb" if flags & os.O_WRONLY else "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ToolCallError(f"{shown(path)} is no regular file")
            yield file

    def _give_away(self, path: Path) -> None:
        if self.owner is not None:
            os.chown(path, self.owner, self.owner, follow_symlinks=False)


def parts(path: str) -> list[str]:
    """The names of a path inside a workspace.

    Raises:
        ToolCallError: it is empty, too long, absolute (but for MOUNT), or leads out.
    """
    if not path.strip() or len(path) > MAX_PATH or "\0" in path or not path.isprintable():
        raise ToolCallError(
            f"a file is named by a path of 1 to {MAX_PATH} printable characters, such as data/table.csv"
        )
    inner = path.strip().removeprefix(f"{MOUNT}/")
    names = [name for name in inner.split("/") if name not in ("", ".")]
    if inner.startswith(("/", "~")) or ".." in names or inner.lower().startswith("file:") or not names:
        raise ToolCallError(f"{shown(path)} is outside the workspace; name a file in it, such as data/table.csv")
    return names


def shown(path: str) -> str:
    """A path for a message, short."""
    return repr(path if len(path) <= 100 else f"{path[:97]}...")


def _refused(path: str, error: OSError) -> ToolCallError:
    if isinstance(error, FileNotFoundError):
        return ToolCallError(f"there is no file {shown(path)} in the workspace")
    return ToolCallError(f"{shown(path)} cannot be opened as a file of the workspace")
