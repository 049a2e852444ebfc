"""What `read_spreadsheet` answers; runs in the sandbox, see `tools.sandbox.jobs`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tools.tables.book import Book, Sheet, Wanted
from tools.tables.ranges import Range, parse_range
from tools.tables.reading import read_book
from tools.tables.shown import MAX_CHARACTERS, overview, sheet_text

EMPTY = Range(1, 1, 1, 1)


def read(inputs: Mapping[str, Path], out: Path, name: str, sheet: str = "", cells: str = "") -> str:
    """An overview of all sheets and the cells of those asked for, as text.

    Args:
        sheet: a name, in any case, or a number from 1; empty: all of them.
        cells: a range; empty: what is used.

    Raises:
        ValueError: the file cannot be read, or has no such sheet; cells is no range.
    """
    window = parse_range(cells) if cells.strip() else None
    wanted = sheet.strip()

    def keep(found: str, number: int, row: int, column: int) -> bool:
        return (not wanted or _is(wanted, found, number)) and (window is None or (row, column) in window)

    book = read_book(inputs["file"], name, Wanted(keep))
    chosen = _chosen(book, wanted)
    said = [overview(book)]
    room = MAX_CHARACTERS // max(1, min(len(chosen), 5))
    for each in chosen:
        if sum(map(len, said)) > MAX_CHARACTERS:
            said.append(f"{len(chosen) - len(said) + 1} more sheets are not shown; ask for one by its name")
            break
        if each.used is not None or each.comments:
            said.append(sheet_text(each, _within(window, each), room))
    if book.cut:
        said.append("The file has more cells than are kept; ask for one sheet and a range of cells")
    return "\n\n".join(said)


def _chosen(book: Book, wanted: str) -> list[Sheet]:
    if not wanted:
        return book.sheets
    found = [each for number, each in enumerate(book.sheets) if _is(wanted, each.name, number)]
    if not found:
        names = ", ".join(repr(each.name) for each in book.sheets[:50])
        raise ValueError(f"there is no sheet {wanted[:100]!r}; there are {names}")
    return found[:1]


def _is(wanted: str, name: str, number: int) -> bool:
    return name.casefold().strip() == wanted.casefold() or wanted == str(number + 1)


def _within(window: Range | None, sheet: Sheet) -> Range:
    """What of a sheet is shown: the window, no further than what is used."""
    used = sheet.used or EMPTY
    for row, column in sheet.comments:
        used = used.with_cell(row, column)
    if window is None:
        return used
    bottom, right = max(window.top, min(window.bottom, used.bottom)), max(window.left, min(window.right, used.right))
    return Range(window.top, window.left, bottom, right)
