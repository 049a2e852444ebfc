"""Cells and ranges as spreadsheets name them: A1, B2:D9, C:C, 4:7."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

MAX_ROW, MAX_COLUMN = 1_048_576, 16_384
_CORNER = r"\$?([A-Za-z]{1,3})?\$?([0-9]{1,7})?"
_RANGE = re.compile(rf"{_CORNER}(?::{_CORNER})?")


@dataclass(frozen=True, slots=True)
class Range:
    """From the first cell to the last one, both included, from 1."""

    top: int
    left: int
    bottom: int
    right: int

    def __contains__(self, cell: tuple[int, int]) -> bool:
        return self.top <= cell[0] <= self.bottom and self.left <= cell[1] <= self.right

    def __str__(self) -> str:
        first, last = cell_name(self.top, self.left), cell_name(self.bottom, self.right)
        return first if first == last else f"{first}:{last}"

    def with_cell(self, row: int, column: int) -> Range:
        """The smallest range that holds this one and a cell."""
        if (row, column) in self:
            return self
        return Range(min(self.top, row), min(self.left, column), max(self.bottom, row), max(self.right, column))


def letters(column: int) -> str:
    """1 is A, 27 is AA."""
    text = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def number(column: str) -> int:
    """A is 1, AA is 27."""
    value = 0
    for letter in column.upper():
        value = value * 26 + ord(letter) - 64
    return value


def cell_name(row: int, column: int) -> str:
    return f"{letters(column)}{row}"


def parse_range(text: str) -> Range:
    """A range from A1, B2:D9, C:C or 4:7.

    Raises:
        ValueError: it is none.
    """
    match = _RANGE.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text[:50]!r} is no range of cells; write it as A1:D20, B:C or 4:7")
    left, top, right, bottom = match.groups()
    if ":" not in text and not (left and top):
        raise ValueError(f"{text[:50]!r} is no cell; write it as A1, or a range as A1:D20, B:C or 4:7")
    if ":" not in text:
        right, bottom = left, top
    rows = sorted((int(top or 1), int(bottom or MAX_ROW)))
    columns = sorted((number(left) if left else 1, number(right) if right else MAX_COLUMN))
    if rows[0] < 1 or rows[1] > MAX_ROW or columns[1] > MAX_COLUMN:
        raise ValueError(f"{text[:50]!r} is outside a sheet: A1 to {cell_name(MAX_ROW, MAX_COLUMN)}")
    return Range(rows[0], columns[0], rows[1], columns[1])


def joined(cells: Collection[tuple[int, int]]) -> list[Range]:
    """As few rectangles as a simple sweep finds that hold exactly these cells, from top to bottom."""
    open_runs: dict[tuple[int, int], Range] = {}
    done: list[Range] = []
    by_row: dict[int, list[int]] = {}
    for row, column in cells:
        by_row.setdefault(row, []).append(column)
    for row in sorted(by_row):
        runs: dict[tuple[int, int], Range] = {}
        for left, right in _runs(sorted(by_row[row])):
            above = open_runs.pop((left, right), None)
            top = above.top if above is not None and above.bottom == row - 1 else row
            if above is not None and top == row:
                done.append(above)
            runs[left, right] = Range(top, left, row, right)
        done.extend(open_runs.values())
        open_runs = runs
    done.extend(open_runs.values())
    return sorted(done, key=lambda each: (each.top, each.left))


def lines(numbers: Iterable[int], *, columns: bool = False) -> str:
    """Rows or columns in short: `2, 4:6` or `B, D:F`."""
    name = letters if columns else str
    return ", ".join(
        name(first) if first == last else f"{name(first)}:{name(last)}" for first, last in _runs(sorted(numbers))
    )


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for each in numbers:
        if runs and each == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], each)
        else:
            runs.append((each, each))
    return runs
