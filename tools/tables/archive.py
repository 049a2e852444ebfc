"""The parts of a zip file that holds a document, opened only after their sizes were looked at."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from xml.etree import ElementTree


class TableError(ValueError):
    """What is wrong with a file, in a line for the model."""


MAX_PARTS = 10_000
MAX_BYTES = 300_000_000
"""All parts together, unpacked."""
PROTECTED = "the file is protected with a password"
DAMAGED = "the file is damaged: it cannot be read as a spreadsheet"


class Parts:
    """A document's parts by name, whatever case and slashes the program that wrote it used."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        infos = archive.infolist()
        if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_BYTES:
            raise TableError(f"the file is too large unpacked: at most {MAX_BYTES:,} bytes in {MAX_PARTS:,} parts")
        self._infos = {_plain(info.filename): info for info in infos}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._infos

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A part's bytes; no more of them than its size says."""
        info = self._infos[_plain(name)]
        with self._archive.open(info) as file:
            yield file

    def tree(self, name: str) -> ElementTree.Element:
        """A small part as a tree of XML, an empty one where it is missing."""
        if name not in self:
            return ElementTree.Element("none")
        with self.open(name) as file:
            return ElementTree.parse(file).getroot()  # noqa: S314  expat bounds entities; in the sandbox, too

    def names(self) -> list[str]:
        return list(self._infos)


@contextmanager
def opened(path: Path) -> Iterator[Parts]:
    """The parts of a file.

    Raises:
        TableError: it is damaged or too large; also for what is found while reading it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield Parts(archive)
    except TableError:
        raise
    except (zipfile.BadZipFile, zlib.error, ElementTree.ParseError, OSError, *_ON_WRONG_VALUES) as error:
        raise TableError(PROTECTED if "password" in str(error) else DAMAGED) from None


_ON_WRONG_VALUES = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError)
"""What reading numbers, names and encodings raises where a damaged file has others."""


def resolved(folder: str, target: str) -> str:
    """The name of a part that another one, in `folder`, points to."""
    return posixpath.normpath(posixpath.join("/" + folder, target.replace("\\", "/"))).lstrip("/")


def local(tag: str) -> str:
    """An XML name without its namespace, which differs between the strict and the usual form of a format."""
    return tag.rpartition("}")[2]


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
