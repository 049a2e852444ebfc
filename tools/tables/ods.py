"""Reads ods, the OpenDocument spreadsheet (ISO/IEC 26300-3)."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta
from xml.etree.ElementTree import Element, iterparse

from tools.tables.archive import Parts, local
from tools.tables.book import PLAIN, Book, Cell, Enough, Filling, Scalar, Sheet, Style, Wanted
from tools.tables.ranges import MAX_COLUMN, MAX_ROW, Range
from tools.tables.xlsx_sheet import plain_number

MAX_REPEATED = 1000
"""A row or cell that is said to be there more often is filling of the sheet's rest, and read so often."""


def read_ods(parts: Parts, wanted: Wanted) -> Book:
    """The workbook."""
    styles = {**_styles(parts.tree("styles.xml")), **_styles_of_content(parts)}
    book = Book("OpenDocument spreadsheet")
    reader = _Reader(book, Filling(book, wanted), styles)
    with parts.open("content.xml") as file:
        for event, element in iterparse(file, ("start", "end")):  # noqa: S314  see Parts
            reader.take(event, local(element.tag), element)
    return book


def _styles_of_content(parts: Parts) -> dict[str, _Look]:
    with parts.open("content.xml") as file:
        for _, element in iterparse(file):  # noqa: S314
            if local(element.tag) == "automatic-styles":
                return _styles(element)
            if local(element.tag) == "body":
                break
    return {}


class _Look:
    """A named style: colours, and whether a table that has it is shown."""

    __slots__ = ("shown", "style")

    def __init__(self, style: Style, shown: bool) -> None:
        self.style = style
        self.shown = shown


def _styles(tree: Element) -> dict[str, _Look]:
    found: dict[str, _Look] = {}
    for each in tree.iter():
        if local(each.tag) != "style":
            continue
        fill = font = ""
        shown = True
        for inner in each:
            told = _attributes(inner)
            if local(inner.tag) == "table-cell-properties":
                fill = _colour(told.get("background-color"))
            elif local(inner.tag) == "text-properties":
                font = _colour(told.get("color"))
            shown = shown and told.get("display") != "false"
        found[_attributes(each).get("name", "")] = _Look(Style(fill, font), shown)
    return found


class _Reader:
    def __init__(self, book: Book, filling: Filling, styles: dict[str, _Look]) -> None:
        self._book = book
        self._filling = filling
        self._styles = styles
        self._sheet: Sheet | None = None
        self._row = self._column = self._columns = 0
        self._repeated = 1
        self._cells: list[tuple[int, Cell]] = []
        self._defaults: dict[int, str] = {}

    def take(self, event: str, name: str, element: Element) -> None:
        told = _attributes(element)
        if event == "start":
            if name == "table" and "name" in told:
                look = self._styles.get(told.get("style-name", ""))
                self._sheet = Sheet(told["name"], hidden=look is not None and not look.shown)
                self._book.sheets.append(self._sheet)
                self._row = self._columns = 0
            elif name == "table-row":
                self._row += 1
                self._column, self._cells = 0, []
            return
        if self._sheet is None:
            return
        if name == "table-column":
            times = min(int(told.get("number-columns-repeated", 1)), MAX_COLUMN)
            if told.get("visibility") in ("collapse", "filter") and times <= MAX_REPEATED:
                self._sheet.hidden_columns.update(range(self._columns + 1, self._columns + times + 1))
            self._columns += times
        elif name in ("table-cell", "covered-table-cell"):
            self._cell(self._sheet, element, told)
            element.clear()
        elif name == "table-row":
            self._end_row(self._sheet, told)
            element.clear()

    def _cell(self, sheet: Sheet, element: Element, told: dict[str, str]) -> None:
        times = int(told.get("number-columns-repeated", 1))
        first = self._column + 1
        self._column += times
        if first > MAX_COLUMN or self._row > MAX_ROW:
            return
        look = self._styles.get(told.get("style-name", ""))
        style = look.style if look is not None else PLAIN
        formula = told.get("formula", "").removeprefix("of:")
        value = _value(told, element)
        if formula and value is None and told.get("value-type"):
            value = ""
        columns, rows = int(told.get("number-columns-spanned", 1)), int(told.get("number-rows-spanned", 1))
        if columns > 1 or rows > 1:
            sheet.merged.append(Range(self._row, first, self._row + rows - 1, first + columns - 1))
        for each in element:
            if local(each.tag) == "annotation":
                sheet.comments[self._row, first] = _text(each)
        if value not in (None, "") or formula or (style.fill and times <= MAX_REPEATED):
            cell = Cell(value, formula, style)
            self._cells.extend((column, cell) for column in range(first, min(first + times, first + MAX_REPEATED)))

    def _end_row(self, sheet: Sheet, told: dict[str, str]) -> None:
        times = int(told.get("number-rows-repeated", 1))
        hidden = told.get("visibility") in ("collapse", "filter")
        for row in range(self._row, self._row + min(times, MAX_REPEATED)):
            if hidden:
                sheet.hidden_rows.add(row)
            with suppress(Enough):
                for column, cell in self._cells:
                    self._filling.put(sheet, row, column, cell)
        self._row += times - 1


def _value(told: dict[str, str], element: Element) -> Scalar:
    kind = told.get("value-type", "")
    with suppress(ValueError):
        if kind in ("float", "currency", "percentage"):
            return plain_number(told.get("value", ""))
        if kind == "boolean":
            return told.get("boolean-value") == "true"
        if kind == "date":
            text = told.get("date-value", "")
            return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
        if kind == "time":
            return _duration(told.get("time-value", ""))
    text = "\n".join(_text(each) for each in element if local(each.tag) == "p")
    return text or None


def _duration(text: str) -> timedelta:
    """PT11H30M05S, as ISO 8601 writes it."""
    import re

    match = re.fullmatch(r"(-)?PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", text)
    if match is None:
        raise ValueError(text)
    hours, minutes, seconds = (float(match[each] or 0) for each in (2, 3, 4))
    found = timedelta(hours=hours, minutes=minutes, seconds=round(seconds))
    return -found if match[1] else found


def _text(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _colour(text: str | None) -> str:
    return text.upper() if text and text.startswith("#") and len(text) == 7 else ""


def _attributes(element: Element) -> dict[str, str]:
    return {local(name): value for name, value in element.attrib.items()}
