"""Zip files that are documents (Office, EPUB, OpenDocument), looked through before a library reads them."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tools.documents.document import UnreadableError

MAX_ENTRIES = 20_000
MAX_UNPACKED = 400_000_000
MAX_XML = 150_000_000
_DECLARES = (b"<!DOCTYPE", b"<!ENTITY", "<!DOCTYPE".encode("utf-16-le"), "<!DOCTYPE".encode("utf-16-be"))
CHUNK = 1 << 20
BROKEN = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError,
)  # fmt: skip
"""What zipfile raises for archives that are damaged, locked or packed in a way it cannot read."""


def checked(path: Path, kind: str) -> None:
    """Refuse what no office program writes: too much in it, or XML that declares entities.

    Raises:
        UnreadableError: with the reason.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = plausible(archive, path.stat().st_size)
            for entry in entries:
                if entry.filename.lower().endswith((".xml", ".rels", ".vml", ".opf", ".ncx")):
                    with guarded(archive, entry, kind) as part:
                        while part.read(CHUNK):
                            pass
    except BROKEN as error:
        if isinstance(error, UnreadableError):
            raise
        raise UnreadableError(f"this {kind} is damaged: it cannot be unpacked") from None


def plausible(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The entries of an archive that tells the truth about itself as far as its list shows.

    Raises:
        UnreadableError: there are too many, they overlap, or they claim more than is unpacked.
    """
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise UnreadableError(f"the archive holds {len(entries):,} entries; up to {MAX_ENTRIES:,} are read")
    if sum(entry.compress_size for entry in entries) > size:
        raise UnreadableError("the archive's entries overlap: it is made to unpack to more than it holds")
    claimed = sum(entry.file_size for entry in entries)
    if claimed > MAX_UNPACKED:
        raise UnreadableError(f"the archive unpacks to {claimed:,} bytes; up to {MAX_UNPACKED:,} are read")
    return entries


def media_fact(path: Path, folder: str) -> list[str]:
    """A line that names the pictures and recordings in an Office document, where there are any."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith(folder)]
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return [f"pictures and media, readable as PATH!/NAME: {', '.join(names[:20])}{more}"] if names else []


@contextmanager
def guarded(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kind: str) -> Iterator[GuardedPart]:
    """The XML of a part, which zipfile unpacks no further than its size says.

    Raises:
        UnreadableError: it is larger than MAX_XML.
    """
    if entry.file_size > MAX_XML:
        raise UnreadableError(f"a part of this {kind} is larger than the {MAX_XML:,} bytes that are read")
    with archive.open(entry) as file:
        yield GuardedPart(file, kind)


class GuardedPart:
    """XML that is refused where it declares entities, as it is read."""

    def __init__(self, file: IO[bytes], kind: str) -> None:
        self._file = file
        self._kind = kind
        self._tail = b""
        # NCX and XHTML of EPUBs may name a public document type; entities of their own they do not have.
        self._marks = _DECLARES if kind != "EPUB" else (b"<!ENTITY",)

    def read(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            UnreadableError: they declare something.
        """
        chunk = self._file.read(size)
        if any(mark in self._tail + chunk for mark in self._marks):
            raise UnreadableError(
                f"this {self._kind} declares XML entities, which no office program does; it is not read"
            )
        self._tail = chunk[-32:]
        return chunk
