"""Reads xlsx and xlsm part by part, in one pass and in little memory, formulas and the values they gave last together.

openpyxl builds an object a cell (a 600 KB file of repeated cells takes 1.25 GB), needs a second load for the values,
and refuses files that Excel opens; here it serves for what number formats and colour numbers mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import IO
from xml.etree.ElementTree import Element, iterparse

from tools.documents.document import UnreadableError
from tools.tables.archive import DAMAGED, Parts, local, resolved
from tools.tables.book import Book, Enough, Filling, Sheet, Wanted
from tools.tables.ranges import parse_range
from tools.tables.xlsx_sheet import SheetReader, Values, text_of
from tools.tables.xlsx_styles import styles

MAX_SHEETS = 500
MAX_STRINGS = 2_000_000


def read_xlsx(parts: Parts, wanted: Wanted) -> Book:
    """The workbook.

    Raises:
        UnreadableError: it is damaged or too large.
    """
    root = _office_part(parts)
    tree = parts.tree(root)
    folder = root.rpartition("/")[0]
    linked = _links(parts, root)
    values = Values(
        _strings(parts, _of_kind(linked, "sharedStrings", f"{folder}/sharedStrings.xml")),
        styles(
            parts,
            _of_kind(linked, "styles", f"{folder}/styles.xml"),
            _of_kind(linked, "theme", f"{folder}/theme/theme1.xml"),
        ),
        any(each.get("date1904") in ("1", "true") for each in tree.iter() if local(each.tag) == "workbookPr"),
    )
    return _sheets(parts, tree, linked, values, wanted)


def _sheets(parts: Parts, tree: Element, linked: dict[str, tuple[str, str]], values: Values, wanted: Wanted) -> Book:
    book = Book("Excel workbook")
    filling = Filling(book, wanted)
    listed = [each for each in tree.iter() if local(each.tag) == "sheet"]
    if not listed:
        raise UnreadableError(DAMAGED)
    for each in listed[:MAX_SHEETS]:
        sheet = Sheet(each.get("name", ""), hidden=each.get("state", "visible") != "visible")
        book.sheets.append(sheet)
        link = next((value for key, value in each.attrib.items() if local(key) == "id"), "")
        kind, part = linked.get(link, ("", ""))
        if part not in parts or kind == "chartsheet":
            what = "a chart, no cells" if kind == "chartsheet" else "not in the file"
            book.notes.append(f"sheet {sheet.name!r} is {what}")
            continue
        with parts.open(part) as file, suppress(Enough):
            SheetReader(sheet, filling, values).read(file)
        for found, target in _links(parts, part).values():
            if found == "comments":
                _comments(parts, target, sheet)
    if len(listed) > MAX_SHEETS:
        book.notes.append(f"{len(listed) - MAX_SHEETS} more sheets were not read")
    return book


def _office_part(parts: Parts) -> str:
    found = [target for kind, target in _links(parts, "").values() if kind == "officeDocument"]
    return found[0] if found and found[0] in parts else "xl/workbook.xml"


def _links(parts: Parts, part: str) -> dict[str, tuple[str, str]]:
    """What a part points to: kind and name of another part, by id."""
    folder, _, name = part.rpartition("/")
    tree = parts.tree(f"{folder}/_rels/{name}.rels")
    return {
        each.get("Id", ""): (each.get("Type", "").rpartition("/")[2], resolved(folder, each.get("Target", "")))
        for each in tree
        if each.get("TargetMode") != "External"
    }


def _of_kind(linked: dict[str, tuple[str, str]], kind: str, usual: str) -> str:
    return next((part for found, part in linked.values() if found == kind), usual)


def _strings(parts: Parts, part: str) -> list[str]:
    """The texts that cells name by number; without the reading aids of Japanese ones."""
    found: list[str] = []
    if part not in parts:
        return found
    with parts.open(part) as file:
        for element in _items(file, "si"):
            found.append(text_of(element))
            if len(found) > MAX_STRINGS:
                raise UnreadableError(f"the workbook has more than {MAX_STRINGS:,} texts")
    return found


def _items(file: IO[bytes], name: str) -> Iterator[Element]:
    root: Element | None = None
    for event, element in iterparse(file, ("start", "end")):  # noqa: S314
        if root is None:
            root = element
        if event == "end" and local(element.tag) == name:
            yield element
            root.clear()


def _comments(parts: Parts, part: str, sheet: Sheet) -> None:
    for each in parts.tree(part).iter():
        if local(each.tag) == "comment" and (text := text_of(each).strip()):
            place = parse_range(each.get("ref", "A1"))
            sheet.comments[place.top, place.left] = text
