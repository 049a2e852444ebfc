"""Reads the XML of one xlsx sheet as a stream of cells."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from string import digits
from typing import IO, TYPE_CHECKING
from xml.etree.ElementTree import Element, iterparse

from tools.tables.archive import local
from tools.tables.book import PLAIN, Cell, Filling, Scalar, Sheet, Style
from tools.tables.ranges import MAX_COLUMN, MAX_ROW, cell_name, number, parse_range
from tools.tables.values import EXACT

if TYPE_CHECKING:
    from openpyxl.formula.translate import Translator

MAX_MERGED = 20_000


@dataclass(frozen=True, slots=True)
class Values:
    """What a cell's XML refers to: texts and styles by number, and the first day of its dates."""

    strings: list[str]
    styles: list[Style]
    from_1904: bool

    def style(self, index: str | None) -> Style:
        place = int(index or 0)
        return self.styles[place] if 0 <= place < len(self.styles) else PLAIN

    def value(self, kind: str, text: str | None, style: Style) -> Scalar:
        """A cell's value from its type (ECMA-376, 18.18.11) and text."""
        if text is None:
            return None
        if kind == "s":
            place = int(text)
            return self.strings[place] if 0 <= place < len(self.strings) else ""
        if kind == "b":
            return text.strip() in ("1", "true")
        if kind in ("str", "inlineStr", "e"):
            return text
        if kind == "d":
            with suppress(ValueError):
                return datetime.fromisoformat(text.replace("Z", ""))
            return text
        return dated(plain_number(text), style.number_format, self.from_1904)


def plain_number(text: str) -> int | float | str:
    """A number as it is stored; whole ones without a point."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    return int(value) if value.is_integer() and abs(value) <= EXACT else value


def dated(value: int | float | str, number_format: str, from_1904: bool) -> Scalar:
    """The date, time or duration that a number stands for where its format shows one."""
    kind = _date_kind(number_format)
    if kind is None or isinstance(value, str):
        return value
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

    epoch = CALENDAR_MAC_1904 if from_1904 else CALENDAR_WINDOWS_1900
    with suppress(ValueError, OverflowError):
        found: Scalar = from_excel(value, epoch, timedelta=kind == "duration")
        if isinstance(found, datetime) and found.microsecond:
            found += timedelta(microseconds=500)  # to whole milliseconds: a double holds no more
            found = found.replace(microsecond=found.microsecond // 1000 * 1000)
        if isinstance(found, datetime) and kind == "date" and not (found.hour or found.minute or found.second):
            return found.date()
        return found
    return value


@lru_cache(1000)
def _date_kind(number_format: str) -> str | None:
    from openpyxl.styles.numbers import is_date_format, is_datetime, is_timedelta_format

    if is_timedelta_format(number_format):
        return "duration"
    return (is_datetime(number_format) or "date") if is_date_format(number_format) else None


class SheetReader:
    """Fills one sheet."""

    def __init__(self, sheet: Sheet, filling: Filling, values: Values) -> None:
        self._sheet = sheet
        self._filling = filling
        self._values = values
        self._row = 0
        self._column = 0
        self._shared: dict[str, Translator] = {}

    def read(self, file: IO[bytes]) -> None:
        """Read it all; what is not understood is passed over."""
        rows: Element | None = None
        for event, element in iterparse(file, ("start", "end")):  # noqa: S314  see Parts
            name = local(element.tag)
            if event == "start":
                if name == "row":
                    self._open_row(element)
                elif name == "sheetData":
                    rows = element
            elif name == "c":
                self._cell(element)
                element.clear()
            elif name == "row" and rows is not None:
                rows.clear()
            elif name == "col":
                self._columns(element)
            elif name == "mergeCell" and len(self._sheet.merged) < MAX_MERGED:
                self._sheet.merged.append(parse_range(element.get("ref", "")))
            elif name == "conditionalFormatting" and len(self._sheet.conditional) < MAX_MERGED:
                self._sheet.conditional.extend(map(parse_range, element.get("sqref", "").split()[:100]))

    def _open_row(self, element: Element) -> None:
        self._row = int(element.get("r") or self._row + 1)
        self._column = 0
        if element.get("hidden") in ("1", "true") and self._row <= MAX_ROW:
            self._sheet.hidden_rows.add(self._row)

    def _columns(self, element: Element) -> None:
        if element.get("hidden") in ("1", "true"):
            last = min(int(element.get("max", 0)), MAX_COLUMN)
            self._sheet.hidden_columns.update(range(int(element.get("min", 1)), last + 1))

    def _cell(self, element: Element) -> None:
        self._column = _column_of(element.get("r", "").rstrip(digits)) or self._column + 1
        if not (1 <= self._row <= MAX_ROW and 1 <= self._column <= MAX_COLUMN):
            return
        style = self._values.style(element.get("s"))
        kind = element.get("t", "n")
        text: str | None = None
        formula = ""
        for part in element:
            name = local(part.tag)
            if name == "v":
                text = part.text or ("" if kind == "str" else None)
            elif name == "is":
                text = text_of(part)
            elif name == "f":
                formula = self._formula(part)
        value = self._values.value(kind, text, style)
        value = None if value == "" and not formula else value
        if value is not None or formula or style.fill:
            self._filling.put(self._sheet, self._row, self._column, Cell(value, formula, style))

    def _formula(self, element: Element) -> str:
        """The formula as text; of one that was filled over a range, what it is in this cell."""
        from openpyxl.formula.translate import Translator, TranslatorError

        text = f"={element.text}" if element.text else ""
        key, here = element.get("si", ""), cell_name(self._row, self._column)
        if element.get("t") == "shared" and text:
            self._shared[key] = Translator(text, origin=here)
        if text or key not in self._shared:
            return text
        if not self._filling.keeps(self._sheet, self._row, self._column):
            return "="
        try:
            return str(self._shared[key].translate_formula(here))
        except (TranslatorError, ValueError):
            return str(self._shared[key].get_formula())


@lru_cache(1000)
def _column_of(letters: str) -> int:
    """The column of a reference such as AB12 without its digits."""
    return number("".join(filter(str.isalpha, letters)))


def text_of(element: Element) -> str:
    """All text of a plain or rich string, without reading aids."""
    skipped = {id(inner) for each in element if local(each.tag) == "rPh" for inner in each.iter()}
    text = "".join(each.text or "" for each in element.iter() if local(each.tag) == "t" and id(each) not in skipped)
    return _unescaped(text) if "_x" in text else text


def _unescaped(text: str) -> str:
    """Text with the characters that XML cannot hold, which are written as _x000B_."""
    from openpyxl.utils.escape import unescape

    return str(unescape(text))
