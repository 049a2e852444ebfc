"""Workbooks and text tables as documents: what `tools.tables` reads of them, in parts with the columns above each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tools.documents.document import EXTRA, PART_CHARS, Document, Part, Source, table
from tools.servers.extras import need
from tools.tables.book import Sheet, Wanted
from tools.tables.ranges import cell_name, letters
from tools.tables.reading import read_book
from tools.tables.shown import content, marks

MAX_CELLS = 400_000
"""Of one sheet."""
MAX_COLUMNS = 200
MAX_CELL_CHARS = 5_000


def read_workbook(source: Source) -> Document:
    """Every sheet, also hidden ones; bounded in cells, not in how far apart they are.

    Raises:
        UnreadableError: it is damaged, locked or too large.
    """
    need("openpyxl", EXTRA)
    need("xlrd", EXTRA)
    return read_table(source)


def read_table(source: Source) -> Document:
    """A csv or tsv file, whose first row is the head of each part; else as `read_workbook`."""
    book = read_book(source.path, source.name, Wanted(most=MAX_CELLS))
    grids = [_Grid(sheet, lettered=not book.separator) for sheet in book.sheets]
    facts = [each.facts() for each in grids]
    if not book.separator:
        facts = [f"{len(grids)} sheet{'s' * (len(grids) != 1)}:", *facts]
    if book.cut:
        facts.append(f"read up to {MAX_CELLS:,} cells of a sheet; query_spreadsheet reads on")
    parts = [part for each in grids for part in each.parts()]
    return Document(book.kind, "part", len(parts), lambda number: parts[number - 1](), facts, book.notes)


class _Grid:
    """A sheet's cells that show something; rows and columns without any are left out.

    Args:
        lettered: whether column letters and row numbers stand beside the cells; else the first row is the head.
    """

    def __init__(self, sheet: Sheet, *, lettered: bool) -> None:
        self._sheet = sheet
        self._title = sheet.name + " (hidden)" * sheet.hidden if lettered else ""
        self._lettered = lettered
        self._cells: dict[int, dict[int, str]] = {}
        for (row, column), cell in sheet.cells.items():
            if text := content(cell):
                self._cells.setdefault(row, {})[column] = _cut(text)
        self._rows = sorted(self._cells)
        self._columns = sorted({column for cells in self._cells.values() for column in cells})

    def facts(self) -> str:
        """A line: how much there is, and what the cells do not show."""
        more = [f"the first {MAX_COLUMNS} columns are shown"] * (len(self._columns) > MAX_COLUMNS)
        if not self._lettered:
            return ", ".join([f"{len(self._rows):,} rows with the head", f"{len(self._columns)} columns", *more])
        last, widest = (max(each, default=0) for each in (self._rows, self._columns))
        size = f"{len(self._rows):,} filled rows, down to row {last:,}, column {letters(widest)}"
        return f"- {self._title}: {', '.join([size, *marks(self._sheet), *more])}"

    def parts(self) -> Iterator[Callable[[], Part]]:
        """What makes tables of about PART_CHARS each, and one of the comments."""
        body = self._rows if self._lettered else self._rows[1:]
        first = size = 0
        for end, row in enumerate(body, start=1):
            size += sum(map(len, self._cells[row].values())) + 3 * len(self._columns)
            if size >= PART_CHARS or end == len(body):
                where = f"rows {body[first]}-{row}" if end - first < len(body) else ""
                label = ", ".join(filter(None, (self._title, where)))
                yield partial(self._part, body[first:end], label)
                first, size = end, 0
        if not body:
            yield partial(self._part, [], self._title)
        if comments := sorted(self._sheet.comments.items()):
            text = "\n".join(f"{cell_name(*place)}: {_cut(comment)}" for place, comment in comments)
            yield partial(Part, text, f"{self._title}, comments")

    def _part(self, rows: list[int], label: str) -> Part:
        columns = self._columns[:MAX_COLUMNS]
        head = ["", *map(letters, columns)] if self._lettered else self._line(self._rows[0]) if self._rows else []
        return Part(table([head, *map(self._line, rows)]) if self._rows else "", label)

    def _line(self, row: int) -> list[str]:
        cells = self._cells[row]
        return [str(row)] * self._lettered + [cells.get(column, "") for column in self._columns[:MAX_COLUMNS]]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}... ({len(text):,} characters)"
