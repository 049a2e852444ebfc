"""OpenDocument texts and slides: paragraphs, headings, lists, tables and what is embedded, in order."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any

from tools.documents.document import EXTRA, Document, Source, UnreadableError, of_text, shown_name, table
from tools.documents.packages import BROKEN, checked
from tools.servers.extras import need

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
XLINK = "{http://www.w3.org/1999/xlink}"
MATH = "{http://www.w3.org/1998/Math/MathML}"
MAX_OBJECTS = 50
MAX_REPEAT = 50
"""A repeated cell or row is shown so often at most; files repeat the empty ones a million times."""
MAX_CELLS = 200_000


def read(source: Source) -> Document:
    """The whole text.

    Raises:
        UnreadableError: it is damaged or locked.
    """
    checked(source.path, "OpenDocument file")
    etree = need("lxml.etree", EXTRA)
    try:
        with zipfile.ZipFile(source.path) as archive:
            blocks = list(_Reader(archive, etree).blocks("content.xml"))
    except (*BROKEN, KeyError, etree.LxmlError) as error:
        raise UnreadableError(f"this OpenDocument file is damaged or locked: {type(error).__name__}") from None
    return of_text("OpenDocument file", "\n\n".join(blocks))


class _Reader:
    """Texts of the elements that stand for something, in order; without recursion, for files nested deep."""

    def __init__(self, archive: zipfile.ZipFile, etree: Any) -> None:
        self._archive = archive
        self._etree = etree
        self._entered: set[str] = set()

    def blocks(self, name: str) -> Iterator[str]:
        """What is in a part: the document's own, or that of an object in it."""
        self._entered.add(name)
        parser = self._etree.XMLParser(resolve_entities=False, no_network=True)
        walk = [self._etree.fromstring(self._archive.read(name), parser)]
        while walk:
            each = walk.pop()
            if each.tag == f"{TABLE}table":
                yield _table(each)
                yield from self._objects(each)
            elif each.tag in (f"{TEXT}h", f"{TEXT}p"):
                if text := _text(each):
                    yield _line(each, text)
                yield from self._objects(each)
            elif each.tag == f"{DRAW}object":
                yield from self._object(each)
            elif each.tag == f"{MATH}math":
                yield _formula(each)
            else:
                if each.tag == f"{DRAW}page":
                    yield f"## {each.get(f'{DRAW}name') or 'slide'}"
                walk.extend(reversed([child for child in each if isinstance(child.tag, str)]))

    def _objects(self, element: Any) -> Iterator[str]:
        for each in element.iter(f"{DRAW}object"):
            yield from self._object(each)

    def _object(self, element: Any) -> Iterator[str]:
        """A spreadsheet, chart or formula inside the document, each once and MAX_OBJECTS at most."""
        folder = posixpath.normpath(element.get(f"{XLINK}href") or "")
        name = f"{folder}/content.xml"
        if name in self._entered:
            return
        if name not in self._archive.namelist() or len(self._entered) > MAX_OBJECTS:
            yield f"[object {shown_name(folder)[:100]}, not read]"
            return
        yield f"[object {shown_name(folder)[:100]}]"
        yield from self.blocks(name)


def _line(element: Any, text: str) -> str:
    if element.tag == f"{TEXT}h":
        return f"{'#' * min(int(element.get(f'{TEXT}outline-level') or 1), 6)} {text}"
    return f"- {text}" if any(up.tag == f"{TEXT}list-item" for up in element.iterancestors()) else text


def _formula(element: Any) -> str:
    """As it was typed, where the file keeps that; else its signs one after the other."""
    typed = element.find(f".//{MATH}annotation")
    return f"Formula: {_text(typed if typed is not None else element)}"


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _table(element: Any) -> str:
    rows: list[list[str]] = []
    cells = 0
    for row in element.iter(f"{TABLE}table-row"):
        texts: list[str] = []
        for cell in row:
            if isinstance(cell.tag, str) and cell.tag.endswith("table-cell"):
                text = _text(cell)
                repeat = int(cell.get(f"{TABLE}number-columns-repeated") or 1)
                texts += [text] * min(repeat, MAX_REPEAT)
        while texts and not texts[-1]:
            texts.pop()
        cells += len(texts)
        if cells > MAX_CELLS:
            break
        repeat = int(row.get(f"{TABLE}number-rows-repeated") or 1) if texts else 1
        rows += [texts] * min(repeat, MAX_REPEAT)
    while rows and not rows[-1]:
        rows.pop()
    name = element.get(f"{TABLE}name")
    return (f"Table {name}\n" if name else "") + table([row for row in rows if row])
