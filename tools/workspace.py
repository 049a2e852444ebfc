"""A folder of files that a task works in, read and written from outside as something hostile.

What runs in the sandbox may put links, pipes and sockets there, and swap them while we look. So every path is walked
from the folder's descriptor, one name at a time, without following links, and only regular files are opened.
"""

from __future__ import annotations

import io
import os
import stat
import uuid
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from configs.errors import ToolCallError
from configs.private_folders import private_folder
from tools import workspace_walk
from tools.workspace_walk import FOLDER, MAX_ENTRIES, Found, Usage

MOUNT = "/workspace"
"""Where the sandbox shows the folder; models may name files from there."""
MAX_PATH = 1000
COPIED_AT_ONCE = 1 << 20
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file: its path from the workspace's root with `/`, its size in bytes, its time of change in seconds.

    `version` differs between two contents of one path, as far as the file system tells.
    """

    path: str
    size: int
    modified: float
    version: tuple[int, int] = (0, 0)


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
        """Create the folder, and make it 0700 and the owner's whatever code has made of it."""
        private_folder(self.folder)
        workspace_walk.make_private(self.folder)
        if self.owner is not None and self.folder.stat().st_uid != self.owner:
            os.chown(self.folder, self.owner, self.owner, follow_symlinks=False)

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
        """Replace or create a file, and the folders it is in; it is there whole or not at all.

        Raises:
            ToolCallError: as `open`, or the workspace is full.
        """
        self.fill(path, io.BytesIO(data), len(data))

    def fill(self, path: str, source: BinaryIO, size: int) -> None:
        """`write`, from an open file of at most `size` bytes."""
        with self._parent(path, create=True) as (folder, name):
            replaced = self._replaced(path, folder, name)
            if self.used() + size - replaced > self.quota:
                raise ToolCallError(f"the workspace is full: it takes {self.quota:,} bytes in all")
            draft = f".draft-{uuid.uuid4().hex}"
            try:
                with self._opened(path, folder, draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
                    _copy(source, file, size)
                    if self.owner is not None:
                        os.fchown(file.fileno(), self.owner, self.owner)
                os.replace(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError as error:
                raise _refused(path, error) from None
            finally:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=folder)

    def trim(self, size: int, entries: int, kept: Container[str]) -> list[str]:
        """Remove what makes the workspace exceed a size or number, the largest first; the paths that are gone.

        Args:
            kept: paths that stay in any case.
        """
        gone: list[str] = []
        with self._top() as top:
            if top is not None:
                gone = workspace_walk.trim(top, size, entries, kept)
        return gone

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
        with self._top() as top:
            if top is None:
                return []
            with closing(workspace_walk.walk(top)) as found:
                regular = islice((each for each in found if each.regular), MAX_ENTRIES)
                return sorted((_entry(each) for each in regular), key=lambda entry: entry.path)

    def used(self) -> int:
        """Bytes that all files take together."""
        return self.usage().size

    def usage(self, entries: int = MAX_ENTRIES) -> Usage:
        """What the workspace holds, counted until it is clear that there are more than so many entries."""
        with self._top() as top:
            return Usage() if top is None else workspace_walk.usage(top, entries)

    @contextmanager
    def _top(self) -> Iterator[int | None]:
        """A descriptor of the folder; None where there is none. One that cannot be looked into is not empty."""
        try:
            top = workspace_walk.opened(self.folder)
        except FileNotFoundError:
            yield None
            return
        except OSError:
            raise ToolCallError("the workspace cannot be opened") from None
        try:
            yield top
        finally:
            os.close(top)

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
            current = workspace_walk.opened(self.folder)
        except OSError as error:
            raise _refused(path, error) from None
        try:
            for each in folders:
                current = self._entered(path, current, each, create)
            yield current, name
        finally:
            os.close(current)

    def _entered(self, path: str, current: int, name: str, create: bool) -> int:
        made = False
        try:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=current)
                    made = True
            inner = os.open(name, FOLDER, dir_fd=current)
        except OSError as error:
            raise _refused(path, error) from None
        if made and self.owner is not None:
            os.fchown(inner, self.owner, self.owner)
        os.close(current)
        return inner

    def _replaced(self, path: str, folder: int, name: str) -> int:
        """Bytes of the file that is written anew."""
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError:
            return 0
        if stat.S_ISDIR(status.st_mode):
            raise ToolCallError(f"{shown(path)} is a folder")
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    @contextmanager
    def _opened(self, path: str, folder: int, name: str, flags: int) -> Iterator[BinaryIO]:
        try:
            descriptor = os.open(name, flags | _FILE, 0o600, dir_fd=folder)
        except OSError as error:
            raise _refused(path, error) from None
        try:
            _check_regular(path, os.fstat(descriptor))
        except ToolCallError:
            os.close(descriptor)
            raise
        with os.fdopen(descriptor, "wb" if flags & os.O_WRONLY else "rb") as file:
            yield file


def parts(path: str) -> list[str]:
    """The names of a path inside a workspace.

    Raises:
        ToolCallError: it is empty, too long, absolute (but for MOUNT), or leads out.
    """
    if not path.strip() or len(path) > MAX_PATH or "\0" in path or not path.isprintable():
        raise ToolCallError(
            f"a file is named by a path of 1 to {MAX_PATH} printable characters, such as data/table.csv"
        )
    names = _names(path)
    if names is None or _names(unquote(path)) is None:
        raise ToolCallError(f"{shown(path)} is outside the workspace; name a file in it, such as data/table.csv")
    return names


def _names(path: str) -> list[str] | None:
    """None where the path leads out, or does not lead anywhere."""
    inner = path.strip().removeprefix(f"{MOUNT}/")
    names = [name for name in inner.split("/") if name not in ("", ".")]
    outside = inner.startswith(("/", "~/")) or names[:1] == ["~"] or ".." in names or "\0" in inner
    return None if outside or not names or inner.lower().startswith("file:") else names


def shown(path: str) -> str:
    """A path for a message, short."""
    return repr(path if len(path) <= 100 else f"{path[:97]}...")


def _check_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ToolCallError(f"{shown(path)} is no regular file")
    if status.st_nlink > 1:
        raise ToolCallError(f"{shown(path)} has a second name (a hard link); make a copy of it")


def _entry(found: Found) -> Entry:
    status = found.status
    return Entry(found.path, status.st_size, status.st_mtime, (status.st_ino, status.st_mtime_ns))


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    left = size
    while left > 0 and (data := source.read(min(left, COPIED_AT_ONCE))):
        target.write(data)
        left -= len(data)


def _refused(path: str, error: OSError) -> ToolCallError:
    if isinstance(error, FileNotFoundError):
        return ToolCallError(f"there is no file {shown(path)} in the workspace")
    return ToolCallError(f"{shown(path)} cannot be opened as a file of the workspace")
