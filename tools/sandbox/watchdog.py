"""Measures what a jail uses: memory, processes, and disk with what was deleted while it is open. Linux' proc(5).

Everything is read through the jail's own /proc (members.py). What is inside is hostile: names, links and depths are
taken as they come, and each look is bounded.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tools.sandbox.jail_command import TEMPORARY
from tools.sandbox.members import Members, read

Exceeded: TypeAlias = Literal["memory", "processes", "disk"]
PAGE = os.sysconf("SC_PAGE_SIZE")
BLOCK = 512
MAX_FILES = 200_000
MAX_DEPTH = 200
"""Files and nested folders in what a jail may write; more is stopped like too many bytes."""
MAX_TEMPORARY = 100_000
PER_FILE = 1024
"""Files in the file systems in memory, links and folders too, and the bytes that the kernel keeps of each at least."""
RESERVE = 1 << 30
"""A jail is stopped when the disk it writes to has less than this left, or less than a twentieth where it is small."""
_ENDLESS = 1 << 62
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Watchdog:
    """Looks at one jail.

    Attributes:
        first: the jail's process 1, as this machine numbers it.
        folders: descriptors of what the jail may write to on this machine's disk.
    """

    first: int
    folders: Sequence[int]
    memory: int
    processes: int
    disk: int
    _members: Members = field(init=False)
    _reserves: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._members = Members(self.first)
        for folder in self.folders:
            status = os.fstatvfs(folder)
            free = status.f_bavail * status.f_frsize
            self._reserves[folder] = min(RESERVE, status.f_blocks * status.f_frsize // 20, free // 2)

    def light(self) -> Exceeded | None:
        """Whether memory, processes or files in memory are too many; cheap."""
        members = self._members.numbers()
        if sum(self._threads(member) for member in members) > self.processes:
            return "processes"
        files, temporary = self._temporary()
        if files > MAX_TEMPORARY:
            return "disk"
        if temporary + sum(self._resident(member) for member in members) <= self.memory:
            return None
        # Pages that processes share were counted for each of them: count again, exactly.
        exact = temporary + sum(self._proportional(member) for member in members)
        return "memory" if exact > self.memory else None

    def heavy(self) -> Exceeded | None:
        """Whether the disk is too full; as dear as there are files."""
        for folder, reserve in self._reserves.items():
            with suppress(OSError):
                status = os.fstatvfs(folder)
                if status.f_bavail * status.f_frsize < reserve:
                    return "disk"
        used = self._deleted()
        for folder in self.folders:
            used += _tree_bytes(folder, self.disk - used)
        return "disk" if used > self.disk else None

    def _threads(self, member: str) -> int:
        return int(self._members.status(member).get("Threads", 0))

    def _resident(self, member: str) -> int:
        with suppress(OSError, ValueError, IndexError):
            pages = int(read(f"{self._members.folder}/{member}/statm").split()[1])
            return pages * PAGE + int(self._members.status(member).get("VmSwap", "0").split()[0]) * 1024
        return 0

    def _proportional(self, member: str) -> int:
        with suppress(OSError, ValueError):
            lines = read(f"{self._members.folder}/{member}/smaps_rollup").splitlines()
            sizes = [int(line.split()[1]) for line in lines if line.startswith(("Pss:", "SwapPss:"))]
            return sum(sizes) * 1024
        return 0

    def _temporary(self) -> tuple[int, int]:
        """Files in the file systems in memory, and what these take of it; the kernel counts each name of a file."""
        files = size = 0
        for target in TEMPORARY:
            with suppress(OSError):
                status = os.statvfs(f"/proc/{self.first}/root{target}")
                files += status.f_files - status.f_ffree
                size += (status.f_blocks - status.f_bfree) * status.f_frsize
        return files, size + files * PER_FILE

    def _deleted(self) -> int:
        """Bytes of files that are in no folder any more but held open or mapped, on the disks that are watched."""
        devices = {os.fstat(folder).st_dev for folder in self.folders}
        sizes: dict[tuple[int, int], int] = {}
        for member in self._members.numbers():
            base = f"{self._members.folder}/{member}"
            for path in (*_listed(f"{base}/fd"), *_listed(f"{base}/map_files")):
                with suppress(OSError):
                    status = os.stat(path)  # noqa: PTH116  thousands of them
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 and status.st_dev in devices:
                        sizes[status.st_dev, status.st_ino] = status.st_blocks * BLOCK
        return sum(sizes.values())


def _listed(folder: str) -> list[str]:
    with suppress(OSError):
        return [f"{folder}/{name}" for name in os.listdir(folder)]  # noqa: PTH208
    return []


def _tree_bytes(folder: int, enough: int) -> int:
    """Bytes of everything beneath a folder; stops counting above `enough`, and takes what cannot be counted as that."""
    total = 0
    for files, size in enumerate(_sizes(folder)):
        total += size
        if total > enough or files > MAX_FILES:
            return max(total, enough + 1)
    return total


def _sizes(folder: int) -> Iterator[int]:
    """The size of each entry, folders first entered last; no link is followed, no path is long.

    What is closed to hide something is opened; what still cannot be looked at counts as endless, never as empty.
    """
    try:
        with suppress(OSError):
            _make_readable(folder)
        yield from _sizes_at(os.open(".", _FOLDER, dir_fd=folder), 0)
    except OSError as error:
        if error.errno not in _GONE:
            yield _ENDLESS


def _sizes_at(descriptor: int, depth: int) -> Iterator[int]:
    """Closes the descriptor.

    Raises:
        OSError: something in it cannot be looked at.
    """
    try:
        _make_readable(descriptor)
        with os.scandir(descriptor) as entries:
            inner = []
            for entry in entries:
                with _unless_gone():
                    yield entry.stat(follow_symlinks=False).st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.name)
        if inner and depth >= MAX_DEPTH:
            yield _ENDLESS
            return
        for name in inner:
            with _unless_gone():
                yield from _sizes_at(_entered(name, descriptor), depth + 1)
    finally:
        os.close(descriptor)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Pass over what was removed, or replaced by no folder, since its name was read."""
    try:
        yield
    except OSError as error:
        if error.errno not in _GONE:
            raise


def _entered(name: str, folder: int) -> int:
    """A descriptor of a folder in an open one, opened to its owner first where it must be."""
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                os.chmod(f"/proc/self/fd/{descriptor}", 0o700)  # noqa: PTH101
        finally:
            os.close(descriptor)
        return os.open(name, _FOLDER, dir_fd=folder)


def _make_readable(folder: int) -> None:
    """Let its owner see what is in an open folder: its names and their sizes."""
    if os.fstat(folder).st_mode & 0o500 != 0o500:
        os.fchmod(folder, 0o700)
