"""Archives: what is in them, and one file out of them. Nothing is ever unpacked to a name that an archive chooses."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tools.documents.document import Document, Part, Source, UnreadableError, of_parts, shown_name, split
from tools.documents.packages import BROKEN, MAX_ENTRIES, plausible

MAX_MEMBER = 100_000_000
MAX_TAR = 500_000_000
"""Bytes of a packed tar that are unpacked to look for something."""
PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
FAULTS = (*BROKEN, tarfile.TarError)


def read_zip(source: Source) -> Document:
    """Its list of files.

    Raises:
        UnreadableError: it is damaged, or built to unpack to more than it holds.
    """
    try:
        with zipfile.ZipFile(source.path) as archive:
            entries = plausible(archive, source.path.stat().st_size)
    except FAULTS as error:
        raise _told(error, "this zip archive is damaged") from None
    rows = [(each.filename, each.file_size, _zip_note(each)) for each in entries if not each.is_dir()]
    return _listing("zip archive", rows)


def read_tar(source: Source) -> Document:
    """Its list of files; of a packed one as well.

    Raises:
        UnreadableError: it is damaged or too large.
    """
    rows: list[tuple[str, int, str]] = []
    try:
        with _tar(source.path) as archive:
            for entry in archive:
                if not entry.isdir():
                    rows.append((entry.name, entry.size, "" if entry.isreg() else "link or device, not read"))
                if len(rows) >= MAX_ENTRIES:
                    break
    except FAULTS as error:
        if not rows:
            raise _told(error, "this tar archive is damaged") from None
        return _listing(f"tar archive, not listed to its end ({_told(error, 'damaged')})", rows)
    return _listing("tar archive", rows)


def unpacked(path: Path, into: Path) -> bool:
    """Unpack gzip, bzip2 or xz; False where it holds a tar, which is left packed.

    Raises:
        UnreadableError: damaged or larger than MAX_MEMBER.
    """
    if is_packed_tar(path):
        return False
    try:
        with _stream(path) as packed:
            _copy(packed, into)
    except FAULTS as error:
        raise _told(error, "this packed file is damaged") from None
    return True


def is_packed_tar(path: Path) -> bool:
    """Whether there is a tar archive inside gzip, bzip2 or xz."""
    try:
        with _stream(path) as packed:
            head = packed.read(512)
        return head[257:262] == b"ustar" or (
            len(head) == 512 and bool(tarfile.TarInfo.frombuf(head, "utf-8", "replace"))
        )
    except (*FAULTS, tarfile.HeaderError):
        return False


def zip_member(path: Path, name: str, into: Path) -> bool:
    """Copy a file of a zip archive; False where there is none of that name.

    Raises:
        UnreadableError: locked, damaged, a link, larger than MAX_MEMBER, or the archive lies.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entry = next(
                (each for each in plausible(archive, path.stat().st_size) if name in _names(each.filename)), None
            )
            if entry is None or entry.is_dir():
                return False
            if note := _zip_note(entry):
                raise UnreadableError(f"{name[:100]!r} is {note}")
            with archive.open(entry) as member:
                _copy(member, into)
    except FAULTS as error:
        raise _told(error, f"{name[:100]!r} is damaged") from None
    return True


def tar_member(path: Path, name: str, into: Path) -> bool:
    """Copy a file of a tar archive; False where there is none of that name.

    Raises:
        UnreadableError: as `zip_member`.
    """
    try:
        with _tar(path) as archive:
            for entry in archive:
                if name not in _names(entry.name):
                    continue
                member = archive.extractfile(entry) if entry.isreg() else None
                if member is None:
                    raise UnreadableError(f"{name[:100]!r} is a link, a folder or a device; only files are read")
                with member:
                    _copy(member, into)
                return True
    except FAULTS as error:
        raise _told(error, f"{name[:100]!r} cannot be unpacked") from None
    return False


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Read as a stream, once from its beginning to its end, packed or not."""
    with path.open("rb") as plain:
        packed = plain.read(6).startswith(PACKED)
    with _stream(path) if packed else path.open("rb") as file:
        stream: Any = _Bounded(file)  # typeshed asks for more methods than tarfile calls
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            yield tar


class _Bounded:
    """A file with an end after MAX_TAR."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = MAX_TAR

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableError(f"the archive unpacks to more than the {MAX_TAR:,} bytes that are looked through")
        return data


def _stream(path: Path) -> Any:
    with path.open("rb") as file:
        mark = file.read(3)
    if mark[:2] == b"\x1f\x8b":
        return gzip.open(path)
    return bz2.open(path) if mark == b"BZh" else lzma.open(path)


def _copy(member: IO[bytes], into: Path) -> None:
    left = MAX_MEMBER
    with into.open("wb") as file:
        while chunk := member.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise UnreadableError(f"it unpacks to more than the {MAX_MEMBER:,} bytes that are read")
            file.write(chunk)


def _told(error: BaseException, otherwise: str) -> UnreadableError:
    """Our own reason where we gave one; what a library says is not for the reader."""
    if isinstance(error, UnreadableError):
        return error
    locked = isinstance(error, RuntimeError) and "password" in str(error)
    return UnreadableError("it is locked with a password" if locked else otherwise)


def _names(name: str) -> tuple[str, str]:
    """What a file in an archive may be called by: its name, and as it is listed."""
    return name, shown_name(name)


def _zip_note(entry: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link, not read"
    return "locked with a password" if entry.flag_bits & 1 else ""


def _listing(kind: str, rows: Iterable[tuple[str, int, str]]) -> Document:
    lines = [f"{shown_name(name)} ({size:,} bytes{', ' + note if note else ''})" for name, size, note in rows]
    pieces = split("\n".join(lines)) or ["[empty]"]
    return of_parts(kind, "part", [Part(piece) for piece in pieces], [f"{len(lines):,} files, readable as PATH!/NAME"])
