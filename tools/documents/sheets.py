"""Workbooks as tables: values as the program that saved them computed them, formulas where it saved none."""

from __future__ import annotations

import datetime
import io
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from tools.documents.document import EXTRA, Document, Part, Source, damaged, of_parts
from tools.documents.packages import checked
from tools.documents.plain import row_parts
from tools.servers.extras import need

MAX_CELLS = 400_000
MAX_COLUMNS = 200
MAX_CELL_CHARS = 5_000
Rows: TypeAlias = Iterator[tuple[int, dict[int, str]]]
"""Row numbers from 1 with their filled cells by column from 1; empty rows are not among them."""


def read_xlsx(source: Source) -> Document:
    """Every sheet, also hidden ones; bounded in cells, not in how far apart they are.

    Raises:
        UnreadableError: it is damaged.
    """
    checked(source.path, "workbook")
    openpyxl = need("openpyxl", EXTRA)
    with damaged("workbook"), warnings.catch_warnings(), source.path.open("rb") as file:
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        source.until_read.callback(book.close)
        sheets = [(each.title + _hidden(each), list(_bounded(_xlsx_rows(book, each)))) for each in book.worksheets]
    return _document(sheets)


def read_xls(source: Source) -> Document:
    """Workbooks of Excel up to 2003.

    Raises:
        UnreadableError: it is damaged.
    """
    xlrd = need("xlrd", EXTRA)
    with damaged("workbook"):
        book = xlrd.open_workbook(source.path, logfile=io.StringIO(), on_demand=True)
        sheets = []
        for index in range(book.nsheets):
            sheet = book.sheet_by_index(index)
            mark = " (hidden)" if sheet.visibility else ""
            sheets.append((sheet.name + mark, list(_bounded(_xls_rows(xlrd, book, sheet)))))
            book.unload_sheet(index)
    return _document(sheets)


def _document(sheets: list[tuple[str, list[tuple[int, dict[int, str]]]]]) -> Document:
    facts = [f"{len(sheets)} sheet{'s' if len(sheets) != 1 else ''}:"]
    parts: list[Part] = []
    for title, rows in sheets:
        widest = max((max(cells, default=0) for _, cells in rows), default=0)
        last = rows[-1][0] if rows else 0
        facts.append(f"- {title}: {len(rows):,} filled rows, down to row {last:,}, column {letters(widest)}")
        if sum(len(cells) for _, cells in rows) >= MAX_CELLS:
            facts.append(f"  read up to {MAX_CELLS:,} cells; query_spreadsheet reads it all")
        parts += row_parts(_grid(rows), title)
    return of_parts("workbook", "part", parts, ["\n".join(facts)])


def _grid(rows: list[tuple[int, dict[int, str]]]) -> list[list[str]]:
    """Cells with their column letters and row numbers; columns without anything are left out."""
    if not rows:
        return []
    used = sorted({column for _, cells in rows for column in cells})[:MAX_COLUMNS]
    head = ["", *map(letters, used)]
    return [head, *([str(number), *(cells.get(column, "") for column in used)] for number, cells in rows)]


def _bounded(rows: Rows) -> Rows:
    left = MAX_CELLS
    for number, cells in rows:
        if cells:
            left -= len(cells)
            yield number, cells
        if left <= 0:
            return


def _xlsx_rows(book: Any, sheet: Any) -> Rows:
    """Only what is in the file: the sheet's own row iterator fills the gaps, a million rows for one cell far down."""
    parser_of = need("openpyxl.worksheet._reader", EXTRA).WorkSheetParser
    with sheet._get_source() as file:
        parser = parser_of(
            file,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        parser.parse_cell = _or_formula(parser.parse_cell)
        for number, cells in parser.parse():
            yield number, {cell["column"]: shown(cell["value"]) for cell in cells if cell["value"] not in (None, "")}


def _or_formula(read_cell: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    """Reads a cell's saved value, and its formula where no value was saved."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

    def read(element: Any) -> dict[str, Any]:
        told = read_cell(element)
        formula = element.findtext(f"{main}f") if told["value"] is None else None
        return {**told, "value": f"={formula}"} if formula else told

    return read


def _xls_rows(xlrd: Any, book: Any, sheet: Any) -> Rows:
    for index in range(sheet.nrows):
        cells = {}
        for column, cell in enumerate(sheet.row(index), start=1):
            if cell.ctype not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) and cell.value != "":
                cells[column] = _xls_value(xlrd, book, cell)
        yield index + 1, cells


def _xls_value(xlrd: Any, book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return shown(xlrd.xldate_as_datetime(cell.value, book.datemode))
        except (ValueError, OverflowError):
            return shown(cell.value)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return shown(bool(cell.value))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    return shown(cell.value)


def shown(value: object) -> str:
    """A cell's value as a person writes it: 3 for 3.0, 2024-01-31 for a date at midnight."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    text = str(value)
    return text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}... ({len(text):,} characters)"


def letters(column: int) -> str:
    """A column's letters: 1 is A, 28 is AB; empty for 0."""
    name = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _hidden(sheet: Any) -> str:
    return " (hidden)" if sheet.sheet_state != "visible" else ""
