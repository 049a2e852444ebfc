"""What is in a workbook, whatever its format: sheets of cells, with what a person sees of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias

from tools.documents.document import UnreadableError
from tools.tables.ranges import Range

Scalar: TypeAlias = bool | int | float | str | date | datetime | time | timedelta | None
MAX_CELLS = 1_000_000
"""Cells that are kept of one file; more are counted."""
MAX_COUNTED = 2_000_000


@dataclass(frozen=True, slots=True)
class Style:
    """fill and font: colours as #RRGGBB or empty; number_format: as Excel writes it, `General` where there is none."""

    fill: str = ""
    font: str = ""
    number_format: str = "General"


PLAIN = Style()


class Cell(NamedTuple):
    """A value, the formula it comes from (with `=`, or empty), and how it looks.

    A formula whose value was saved as an empty text has that; one whose value was not saved has None.
    """

    value: Scalar
    formula: str = ""
    style: Style = PLAIN


@dataclass(slots=True)
class Sheet:
    """One sheet.

    Attributes:
        cells: by row and column, from 1; only what was asked for, see `Wanted`.
        used: the range that holds values, formulas or fills; None: the sheet is empty.
        filled: how many cells hold something.
        merged, conditional: ranges.
        hidden_rows, hidden_columns: numbers.
        comments: by row and column.
    """

    name: str
    hidden: bool = False
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    used: Range | None = None
    filled: int = 0
    merged: list[Range] = field(default_factory=list)
    conditional: list[Range] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)


@dataclass(slots=True)
class Book:
    """A file's sheets.

    Attributes:
        kind: the format, in words.
        notes: what a reader of the result must know.
        cut: cells were left out.
        separator: what stands between the values of a text table; empty for a workbook.
    """

    kind: str
    sheets: list[Sheet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: bool = False
    separator: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cells are kept.

    Attributes:
        keep: says yes or no to (sheet, number of the sheet from 0, row, column); None: all.
        most: a sheet is read up to so many cells; 0: to its end, to count them.
    """

    keep: Callable[[str, int, int, int], bool] | None = None
    most: int = 0


class Enough(Exception):
    """Nothing more of this sheet is wanted."""


class Filling:
    """Puts cells into a book's last sheet and keeps count, within MAX_CELLS."""

    def __init__(self, book: Book, wanted: Wanted) -> None:
        self.book = book
        self._wanted = wanted
        self._kept = 0
        self._counted = 0

    def keeps(self, sheet: Sheet, row: int, column: int) -> bool:
        """Whether this cell is asked for."""
        keep = self._wanted.keep
        return keep is None or keep(sheet.name, len(self.book.sheets) - 1, row, column)

    def put(self, sheet: Sheet, row: int, column: int, cell: Cell) -> None:
        """Take a cell that holds something.

        Raises:
            UnreadableError: it is one too many.
            Enough: it is, and those before it are all that is wanted.
        """
        if self._wanted.most and (sheet.filled >= self._wanted.most or self._kept >= MAX_CELLS):
            self.book.cut = True
            raise Enough
        self._counted += 1
        if self._counted > MAX_COUNTED:
            raise UnreadableError(f"the file has more than {MAX_COUNTED:,} cells; it is too large to be read")
        sheet.filled += 1
        sheet.used = (sheet.used or Range(row, column, row, column)).with_cell(row, column)
        if not self.keeps(sheet, row, column):
            return
        if self._kept >= MAX_CELLS:
            self.book.cut = True
            return
        self._kept += 1
        sheet.cells[row, column] = cell
