"""A sheet as text for a model: the grid, and below it what a grid cannot show (formulas, colours, what is hidden)."""

from __future__ import annotations

from collections.abc import Callable

from tools.tables.book import Book, Cell, Sheet
from tools.tables.colours import name_of
from tools.tables.ranges import Range, cell_name, joined, letters, lines
from tools.tables.values import as_text, one_line

MAX_CHARACTERS = 12_000
MAX_ROWS = 300
CELL_CHARACTERS = 200
LIST_CHARACTERS = 3_000
"""How much of each list below the grid is shown."""


def overview(book: Book) -> str:
    """One line a sheet."""
    said = [f"{book.kind}, {len(book.sheets)} sheet{'s' * (len(book.sheets) != 1)}"]
    for number, sheet in enumerate(book.sheets, start=1):
        size = f"{sheet.used}, {sheet.filled} cells" if sheet.used else "empty"
        said.append(f"{number}. {sheet.name!r}: {', '.join([size, *marks(sheet)])}")
    return "\n".join([*said, *(f"Note: {note}" for note in book.notes)])


def marks(sheet: Sheet) -> list[str]:
    """What a reader of the cells alone would not know."""
    told = (
        ("merged", sheet.merged),
        ("hidden rows", sheet.hidden_rows),
        ("hidden columns", sheet.hidden_columns),
        ("comments", sheet.comments),
    )
    return ["hidden sheet"] * sheet.hidden + [f"{len(found)} {name}" for name, found in told if found]


def content(cell: Cell) -> str:
    """A cell's value as text; the formula where no value was saved with it."""
    return as_text(cell.value) if cell.value is not None or not cell.formula else cell.formula


def sheet_text(sheet: Sheet, window: Range, room: int = MAX_CHARACTERS) -> str:
    """The cells of a sheet inside a window, at most `room` characters and what goes on after them.

    Args:
        sheet: with the window's cells.
        window: what is shown; the rows and columns in it that hold nothing are left out.
    """
    inside = {place: cell for place, cell in sheet.cells.items() if place in window}
    if not inside and not any(place in window for place in sheet.comments):
        return f"Sheet {sheet.name!r}, {window}: empty"
    grid, last = _grid(inside, room, len(inside) == 1)
    shown = {place: cell for place, cell in inside.items() if place[0] <= last}
    said = [f"Sheet {sheet.name!r}, {window}:", *grid, *_below(sheet, shown, window)]
    if last < max((row for row, _ in inside), default=0):
        rest = Range(last + 1, window.left, window.bottom, window.right)
        said.append(f'Rows {rest.top} to {rest.bottom} are not shown; ask for cells="{rest}"')
    return "\n".join(said)


def _grid(cells: dict[tuple[int, int], Cell], room: int, whole: bool) -> tuple[list[str], int]:
    """The lines of the table, and the last row that is in it."""
    told = [place for place, cell in cells.items() if cell.value is not None or cell.formula]
    if not told:
        return ["(no values)"], max((row for row, _ in cells), default=0)
    rows = sorted({row for row, _ in told})
    columns = sorted({column for _, column in told})
    said = ["  | " + " | ".join(map(letters, columns))]
    used = len(said[0])
    last = 0
    for row in rows[:MAX_ROWS]:
        found = (cells.get((row, column)) for column in columns)
        limit = MAX_CHARACTERS if whole else CELL_CHARACTERS
        line = f"{row} | " + " | ".join(one_line(content(cell), limit) if cell else "" for cell in found).rstrip(" |")
        used += len(line) + 1
        if used > room and last:
            break
        said.append(line if len(line) <= room else f"{line[:room]}… (this row is longer; ask for some of its columns)")
        last = row
    return said, last if last < rows[-1] else max(row for row, _ in cells)


def _below(sheet: Sheet, shown: dict[tuple[int, int], Cell], window: Range) -> list[str]:
    said = []
    if sheet.merged:
        near = [each for each in sheet.merged if _meets(each, window)]
        said.append(_listed("Merged", [str(each) for each in near]))
    said.append(_listed("Formulas", _formulas(shown), "; "))
    said += _by_look(shown, "Filled", lambda cell: cell.style.fill)
    said += _by_look(shown, "Font", lambda cell: "" if cell.style.font == "#000000" else cell.style.font)
    said += _by_look(shown, "Shown as", _special_format, named=False)
    if sheet.conditional:
        said.append(_listed("Conditional formats, whose colours are not told, on", list(map(str, sheet.conditional))))
    hidden_rows = {row for row in sheet.hidden_rows if window.top <= row <= window.bottom}
    hidden_columns = {column for column in sheet.hidden_columns if window.left <= column <= window.right}
    said.append(_listed("Hidden rows", [lines(hidden_rows)] if hidden_rows else []))
    said.append(_listed("Hidden columns", [lines(hidden_columns, columns=True)] if hidden_columns else []))
    notes = [
        f"{cell_name(*place)} {one_line(text, 500)!r}"
        for place, text in sorted(sheet.comments.items())
        if place in window
    ]
    said.append(_listed("Comments", notes, "; "))
    return [each for each in said if each]


def _by_look(
    shown: dict[tuple[int, int], Cell], title: str, look: Callable[[Cell], str], *, named: bool = True
) -> list[str]:
    """Cells that look the same, as ranges: `Filled #FFFF00 (yellow): B2:B5, D7`."""
    groups: dict[str, list[tuple[int, int]]] = {}
    for place, cell in shown.items():
        if found := look(cell):
            groups.setdefault(found, []).append(place)
    kept = sorted(groups.items(), key=lambda each: min(each[1]))
    room = LIST_CHARACTERS // max(1, min(len(kept), 10))
    said = [
        _listed(
            f"{title} {found}" + (f" ({name_of(found)})" if named else ""), list(map(str, joined(places))), room=room
        )
        for found, places in kept[:30]
    ]
    return said + [f"{title}: {len(kept) - 30} more"] * (len(kept) > 30)


def _special_format(cell: Cell) -> str:
    """A number format that says more than digits, such as a percent sign or a currency."""
    code = cell.style.number_format
    told = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
    return code if told and any(sign in code for sign in "%$€£¥₹[") and not code.startswith("[h") else ""


def _formulas(shown: dict[tuple[int, int], Cell]) -> list[str]:
    """Each formula with its cell; where it was filled down a column, the first one and the range."""
    said: list[str] = []
    columns: dict[int, list[int]] = {}
    for row, column in sorted(shown):
        if shown[row, column].formula:
            columns.setdefault(column, []).append(row)
    for column, rows in columns.items():
        start = previous = rows[0]
        for row in [*rows[1:], 0]:
            if row != previous + 1 or not _follows(shown, column, previous, row):
                said.append(f"{Range(start, column, previous, column)} {one_line(shown[start, column].formula, 300)}")
                start = row
            previous = row
            if len(said) > 500:
                return said
    return said


def _follows(shown: dict[tuple[int, int], Cell], column: int, above: int, row: int) -> bool:
    from openpyxl.formula.translate import Translator, TranslatorError

    first, second = shown[above, column].formula, shown[row, column].formula
    if len(first) != len(second) and abs(len(first) - len(second)) > 10:
        return False
    try:
        moved = Translator(first, origin=cell_name(above, column)).translate_formula(cell_name(row, column))
    except (TranslatorError, ValueError, IndexError):
        return False
    return bool(moved == second)


def _listed(title: str, items: list[str], separator: str = ", ", room: int = LIST_CHARACTERS) -> str:
    if not items:
        return ""
    kept: list[str] = []
    used = 0
    for each in items:
        used += len(each) + len(separator)
        if used > room and kept:
            return f"{title}: {separator.join(kept)} and {len(items) - len(kept)} more; ask for fewer cells to see them"
        kept.append(each)
    return f"{title}: {separator.join(kept)}"


def _meets(a: Range, b: Range) -> bool:
    return a.top <= b.bottom and b.top <= a.bottom and a.left <= b.right and b.left <= a.right
