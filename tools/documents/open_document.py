"""OpenDocument texts and slides: paragraphs, headings, lists and tables in order."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from tools.documents.document import EXTRA, Document, Source, UnreadableError, of_text, table
from tools.documents.packages import BROKEN, checked
from tools.servers.extras import need

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
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
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            root = etree.fromstring(archive.read("content.xml"), parser)
    except (*BROKEN, KeyError, etree.LxmlError) as error:
        raise UnreadableError(f"this OpenDocument file is damaged or locked: {type(error).__name__}") from None
    return of_text("OpenDocument file", "\n\n".join(_blocks(root)))


def _blocks(element: Any) -> Iterator[str]:
    """Texts of the elements that stand for something, in order; without recursion, for files nested deep."""
    walk = [element]
    while walk:
        each = walk.pop()
        if each.tag == f"{TABLE}table":
            yield _table(each)
        elif each.tag == f"{TEXT}h":
            yield f"{'#' * min(int(each.get(f'{TEXT}outline-level') or 1), 6)} {_text(each)}"
        elif each.tag == f"{TEXT}p":
            if text := _text(each):
                yield f"- {text}" if any(up.tag == f"{TEXT}list-item" for up in each.iterancestors()) else text
        else:
            if each.tag == f"{DRAW}page":
                yield f"## {each.get(f'{DRAW}name') or 'slide'}"
            walk.extend(reversed([child for child in each if isinstance(child.tag, str)]))


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
