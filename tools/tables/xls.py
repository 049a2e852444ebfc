"""Reads xls, the Excel format of 1993 to 2003, with xlrd. It keeps the values of formulas, not their text."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.documents.document import UnreadableError
from tools.tables.archive import DAMAGED, PROTECTED
from tools.tables.book import PLAIN, Book, Cell, Enough, Filling, Scalar, Sheet, Style, Wanted
from tools.tables.ranges import Range
from tools.tables.xlsx_sheet import dated, plain_number

MAX_BYTES = 50_000_000


def read_xls(path: Path, wanted: Wanted) -> Book:
    """The workbook.

    Raises:
        UnreadableError: it is damaged, too large or protected.
    """
    import xlrd

    if path.stat().st_size > MAX_BYTES:
        raise UnreadableError(f"an xls file of more than {MAX_BYTES:,} bytes is not read")
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise UnreadableError(PROTECTED)
    try:
        with Path(os.devnull).open("w") as nowhere:
            found = xlrd.open_workbook(str(path), formatting_info=True, ragged_rows=True, logfile=nowhere)
            return _read(found, wanted)
    except UnreadableError:
        raise
    except Exception as error:  # noqa: BLE001  on damaged files xlrd raises whatever comes of them
        raise UnreadableError(PROTECTED if "encrypted" in str(error) else DAMAGED) from None


def _read(found: Any, wanted: Wanted) -> Book:
    book = Book("Excel 97-2003 workbook", notes=["formulas are not in what this format tells; their values are"])
    filling = Filling(book, wanted)
    styles: dict[int, Style] = {}
    for each in found.sheets():
        sheet = Sheet(each.name, hidden=each.visibility != 0)
        book.sheets.append(sheet)
        sheet.merged = [Range(top + 1, left + 1, bottom, right) for top, bottom, left, right in each.merged_cells]
        sheet.hidden_rows = {row + 1 for row, info in each.rowinfo_map.items() if info.hidden}
        sheet.hidden_columns = {column + 1 for column, info in each.colinfo_map.items() if info.hidden}
        sheet.comments = {(row + 1, column + 1): note.text for (row, column), note in each.cell_note_map.items()}
        with suppress(Enough):
            for row in range(each.nrows):
                for column, cell in enumerate(each.row(row)):
                    if cell.xf_index not in styles:
                        styles[cell.xf_index] = _style(found, cell.xf_index)
                    style = styles[cell.xf_index]
                    value = _value(cell, style, found.datemode == 1)
                    if value is not None or style.fill:
                        filling.put(sheet, row + 1, column + 1, Cell(value, "", style))
    return book


def _value(cell: Any, style: Style, from_1904: bool) -> Scalar:
    import xlrd

    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return None
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    if cell.ctype in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
        return dated(plain_number(repr(cell.value)), style.number_format, from_1904)
    return str(cell.value) or None


def _style(found: Any, index: int | None) -> Style:
    if index is None or index >= len(found.xf_list):
        return PLAIN
    xf = found.xf_list[index]
    named = found.format_map.get(xf.format_key)
    fill = _colour(found, xf.background.pattern_colour_index) if xf.background.fill_pattern else ""
    font = _colour(found, found.font_list[xf.font_index].colour_index) if xf.font_index < len(found.font_list) else ""
    return Style(fill, font, named.format_str if named is not None else "General")


def _colour(found: Any, index: int) -> str:
    rgb = found.colour_map.get(index)
    return "#{:02X}{:02X}{:02X}".format(*rgb) if rgb is not None else ""
