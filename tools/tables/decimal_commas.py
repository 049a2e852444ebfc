"""Numbers with a decimal comma, as files with semicolons between values have them, read as numbers."""

from __future__ import annotations

import re

from tools.tables.book import Sheet
from tools.tables.columns import HEADER_ROWS

_NUMBER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?")


def with_points(sheet: Sheet) -> int:
    """Write the numbers of a column with a point where all below its head are numbers and one has a comma.

    Returns:
        how many columns were changed.
    """
    places: dict[int, list[int]] = {}
    for row, column in sheet.cells:
        places.setdefault(column, []).append(row)
    return sum(_changed(sheet, column, sorted(rows)) for column, rows in places.items())


def _changed(sheet: Sheet, column: int, rows: list[int]) -> bool:
    texts = [(row, str(sheet.cells[row, column].value)) for row in rows]
    others = [row for row, text in texts if not _NUMBER.fullmatch(text)]
    head = others[-1] if others else 0
    if head > HEADER_ROWS:
        return False
    body = [(row, text) for row, text in texts if row > head]
    if not any("," in text for _, text in body):
        return False
    for row, text in body:
        number = text.replace(".", "").replace(",", ".")
        sheet.cells[row, column] = sheet.cells[row, column]._replace(value=number)
    return True
