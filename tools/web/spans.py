"""Cells of an HTML table that reach over several rows, so that what is written row by row keeps its columns."""

from __future__ import annotations

from collections.abc import Iterator

from tools.web.visible import HtmlElement

WIDEST = 100
"""Rows or columns that one cell reaches over at most."""
MOST = 20_000
"""Cells that are put in, in all tables of a page together."""


def fill_spans(root: HtmlElement) -> None:
    """Put empty cells where a cell of a row above reaches down."""
    left = MOST
    for table in root.iter("table"):
        reaching: dict[int, int] = {}
        for row in _rows(table):
            for place in _gaps(row, reaching):
                left -= 1
                if left < 0:
                    return
                row.insert(place, row.makeelement("td"))


def _rows(table: HtmlElement) -> list[HtmlElement]:
    return [row for row in table.iter("tr") if next(row.iterancestors("table"), None) is table]


def _gaps(row: HtmlElement, reaching: dict[int, int]) -> Iterator[int]:
    """Where in the row a cell is missing; it has to be put there before the next one is asked for.

    Args:
        reaching: of each column, over how many more rows the cell above reaches; brought up to date.
    """
    column = 0
    for cell in [each for each in row if each.tag in ("td", "th")]:
        while reaching.get(column, 0) > 0:
            reaching[column] -= 1
            yield row.index(cell)
            column += 1
        for _ in range(_span(cell, "colspan")):
            reaching[column] = _span(cell, "rowspan") - 1
            column += 1
    for last in sorted(each for each, rows in reaching.items() if each >= column and rows > 0):
        reaching[last] -= 1
        yield len(row)


def _span(cell: HtmlElement, name: str) -> int:
    text = str(cell.get(name, "1")).strip()
    return min(int(text), WIDEST) if text.isascii() and text.isdigit() and int(text[:9]) else 1
