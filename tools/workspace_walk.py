"""Walks through a folder that somebody hostile fills: no links, bounded depth and number, no path longer than a name.

Blocking. Nothing here raises for what is found.
"""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Container, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

MAX_DEPTH = 40
MAX_ENTRIES = 10_000
"""Files, folders and everything else of one workspace."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SLACK = 1 << 16
"""Bytes that a file system may set aside for a file beyond its size."""
DOOMED = ".removed-"


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the folder: its path from the top with `/`, the open folder it is in, its name there, its status."""

    path: str
    folder: int
    name: str
    status: os.stat_result

    @property
    def regular(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def size(self) -> int:
        """Bytes of a regular file, the larger of what it claims and what it takes."""
        return max(self.status.st_size, self.status.st_blocks * 512 - SLACK) if self.regular else 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a folder holds: bytes of regular files, number of entries, and whether folders are nested too deep."""

    size: int = 0
    entries: int = 0
    deep: bool = False


def usage(top: int, entries: int = MAX_ENTRIES) -> Usage:
    """What an open folder holds, counted until it is clear that there are more than so many entries."""
    size = count = 0
    with closing(walk(top)) as found:
        for each in found:
            size += each.size
            count += 1
            if too_deep(each):
                return Usage(size, count, deep=True)
            if count > entries:
                break
    return Usage(size, count)


def walk(top: int, prefix: str = "", depth: int = 0, *, inside_first: bool = False) -> Generator[Found, None, None]:
    """Everything below an open folder, each folder before what is in it, or after; at MAX_DEPTH none is entered."""
    try:
        make_readable(top)
        entries = os.scandir(top)
    except OSError:
        return
    with entries:
        for entry in entries:
            try:
                found = Found(f"{prefix}{entry.name}", top, entry.name, entry.stat(follow_symlinks=False))
            except OSError:
                continue  # gone again
            if not inside_first:
                yield found
            inner = entered(found) if found.is_folder and depth < MAX_DEPTH else None
            if inner is not None:
                try:
                    yield from walk(inner, f"{found.path}/", depth + 1, inside_first=inside_first)
                finally:
                    os.close(inner)
            if inside_first:
                yield found


def too_deep(found: Found) -> bool:
    """Whether a folder is one that is not entered."""
    return found.is_folder and found.path.count("/") >= MAX_DEPTH


def entered(found: Found) -> int | None:
    """A descriptor of a folder, opened to its owner if it was closed to hide something."""
    with suppress(OSError):
        try:
            return os.open(found.name, FOLDER, dir_fd=found.folder)
        except PermissionError:
            _open_up(found.name, found.folder)
            return os.open(found.name, FOLDER, dir_fd=found.folder)
    return None


def trim(top: int, size: int, entries: int, kept: Container[str]) -> list[str]:
    """Remove what makes an open folder exceed a size or a number; the paths that are gone.

    Folders that are too deep go first, then the largest files, then others, then empty folders.

    Args:
        kept: paths that stay in any case.
    """
    gone: list[str] = []
    for each in walk(top):
        if too_deep(each):
            remove(top, each)
            gone.append(each.path)
    doomed = _doomed(list(walk(top)), size, entries, kept)
    return gone + [each.path for each in walk(top, inside_first=True) if each.path in doomed and _removed(each)]


def _doomed(found: list[Found], size: int, entries: int, kept: Container[str]) -> set[str]:
    size_left, entries_left = sum(each.size for each in found) - size, len(found) - entries
    doomed = set()
    candidates = [each for each in found if each.path not in kept]
    candidates.sort(key=lambda each: (each.is_folder, -each.size, -each.path.count("/")))
    for each in candidates:
        if entries_left > 0 or (size_left > 0 and each.size):
            doomed.add(each.path)
            size_left -= each.size
            entries_left -= 1
    return doomed


def _removed(found: Found) -> bool:
    try:
        (os.rmdir if found.is_folder else os.unlink)(found.name, dir_fd=found.folder)
    except OSError:
        return False
    return True


def remove(top: int, found: Found) -> None:
    """Remove a file, or a folder with all that is in it, however deep, below the open folder `top`."""
    if not found.is_folder:
        with suppress(OSError):
            os.unlink(found.name, dir_fd=found.folder)
        return
    name = f"{DOOMED}{uuid.uuid4().hex}"
    with suppress(OSError):
        os.mkdir(name, 0o700, dir_fd=top)
        place = os.open(name, FOLDER, dir_fd=top)
        try:
            _emptied(place, found)
        finally:
            os.close(place)
        os.rmdir(name, dir_fd=top)


def _emptied(place: int, found: Found) -> None:
    """Remove a folder by way of an empty one of ours, where every folder in it gets a short path."""
    pending = [_moved(found, place)]
    while pending:
        folder = pending.pop()
        inner = entered(folder) if folder is not None else None
        if folder is None or inner is None:
            continue
        try:
            for each in walk(inner, depth=MAX_DEPTH):
                if each.is_folder:
                    pending.append(_moved(each, place))
                else:
                    with suppress(OSError):
                        os.unlink(each.name, dir_fd=inner)
        finally:
            os.close(inner)
        with suppress(OSError):
            os.rmdir(folder.name, dir_fd=place)


def _moved(found: Found, place: int) -> Found | None:
    name = uuid.uuid4().hex
    try:
        os.rename(found.name, name, src_dir_fd=found.folder, dst_dir_fd=place)
    except OSError:
        return None
    return Found(name, place, name, found.status)


def opened(folder: Path) -> int:
    """A descriptor of a folder by its path, opened to its owner if it was closed to hide something.

    Raises:
        OSError: it is not there (FileNotFoundError), is no folder, or cannot be opened.
    """
    try:
        return os.open(folder, FOLDER)
    except PermissionError:
        make_private(folder)
        return os.open(folder, FOLDER)


def make_private(folder: Path) -> None:
    """chmod 0700, where it is not that; a link is not followed.

    Raises:
        OSError: it is not there, or is not ours.
    """
    _open_up(str(folder), None)


def make_readable(folder: int) -> None:
    """Let its owner look at what is in an open folder: without the right to enter, names are all there is to see."""
    if os.fstat(folder).st_mode & 0o500 != 0o500:
        os.fchmod(folder, 0o700)


def _open_up(name: str, folder: int | None) -> None:
    """chmod 0700 on the folder itself; a link that was put in its place is not followed."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode) and stat.S_IMODE(mode) != 0o700:
            Path(f"/proc/self/fd/{descriptor}").chmod(0o700)
    finally:
        os.close(descriptor)
