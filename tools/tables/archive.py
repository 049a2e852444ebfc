"""The parts of a zip file that holds a workbook, each guarded while it is read."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, cast
from xml.etree import ElementTree

from tools.documents.document import UnreadableError
from tools.documents.packages import BROKEN, guarded, plausible

PROTECTED = "the file is protected with a password"
DAMAGED = "the file is damaged: it cannot be read as a spreadsheet"


class Parts:
    """A workbook's parts by name, whatever case and slashes the program that wrote it used."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._infos = {_plain(info.filename): info for info in plausible(archive, size)}

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._infos

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """A part's XML."""
        with guarded(self._archive, self._infos[_plain(name)], "workbook") as part:
            yield cast(IO[bytes], part)  # XML parsers call `read` alone

    def tree(self, name: str) -> ElementTree.Element:
        """A small part as a tree of XML, an empty one where it is missing."""
        if name not in self:
            return ElementTree.Element("none")
        with self.open(name) as file:
            return ElementTree.parse(file).getroot()  # noqa: S314  no entities are declared in it; in the sandbox, too

    def names(self) -> list[str]:
        return list(self._infos)


@contextmanager
def opened(path: Path) -> Iterator[Parts]:
    """The parts of a file.

    Raises:
        UnreadableError: it is damaged or too large; also for what is found while reading it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield Parts(archive, path.stat().st_size)
    except UnreadableError:
        raise
    except (*BROKEN, ElementTree.ParseError, *_ON_WRONG_VALUES) as error:
        raise UnreadableError(PROTECTED if "password" in str(error) else DAMAGED) from None


_ON_WRONG_VALUES = (ArithmeticError, AttributeError, LookupError, TypeError)
"""What reading numbers, names and encodings raises where a damaged file has others."""


def resolved(folder: str, target: str) -> str:
    """The name of a part that another one, in `folder`, points to."""
    return posixpath.normpath(posixpath.join("/" + folder, target.replace("\\", "/"))).lstrip("/")


@lru_cache(1000)
def local(tag: str) -> str:
    """An XML name without its namespace, which differs between the strict and the usual form of a format."""
    return tag.rpartition("}")[2]


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
