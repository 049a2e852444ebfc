"""A tree whose rows have figures at the right edge, drawn for a terminal of any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

NARROWEST = 60
"""Below so many columns the figures would leave too little of the text; they are left out."""
GUIDES = (("├─ ", "└─ "), ("│  ", "   "))
ASCII_GUIDES = (("|- ", "`- "), ("|  ", "   "))
GAP = 2
MOST_NARROW = 8
MOST_TEXT = 110
"""Where the text is shorter than this, the figures do not move farther from it on a wide terminal."""


@dataclass(slots=True)
class Row:
    """One row and what hangs below it. A text that does not fit wraps over at most `lines` lines, then is cut."""

    text: Text
    figures: Sequence[str] = ()
    rows: list[Row] = field(default_factory=list)
    lines: int = 1

    def add(self, text: Text, figures: Sequence[str] = (), *, lines: int = 1) -> Row:
        """Hang a row below this one, and give it back."""
        row = Row(text, figures, lines=lines)
        self.rows.append(row)
        return row


@dataclass(frozen=True, slots=True)
class TreeLines:
    """The tree under `root`. `headings` stand over the figures, in the root's line."""

    root: Row
    headings: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        ascii_only = not console.encoding.lower().startswith("utf")
        rows = list(_laid_out(self.root, ASCII_GUIDES if ascii_only else GUIDES, "", ""))
        columns = self._columns(rows) if options.max_width >= NARROWEST else []
        taken = sum(columns) + GAP * len(columns)
        needed = max(cell_len(first) + row.text.cell_len for row, first, _ in rows)
        width = max(min(needed, MOST_TEXT, options.max_width - taken), 10)
        for number, (row, first, further) in enumerate(rows):
            figures = _figures(self.headings if number == 0 else row.figures, columns, number == 0)
            yield from _drawn(
                console, row, (first, further), (width, min(options.max_width, MOST_TEXT + taken)), figures
            )

    def _columns(self, rows: Sequence[tuple[Row, str, str]]) -> list[int]:
        """The width of each column of figures; one that is empty everywhere is left out by its width of 0."""
        found = [0] * len(self.headings)
        for row, _, _ in rows:
            for index, figure in enumerate(row.figures):
                found[index] = max(found[index], cell_len(figure))
        return [max(width, len(self.headings[index])) if width else 0 for index, width in enumerate(found)]


def _laid_out(
    row: Row, guides: tuple[tuple[str, str], ...], first: str, further: str
) -> Iterator[tuple[Row, str, str]]:
    """Every row with what stands before its first line and before its further ones."""
    below = guides[1][0] if row.rows else guides[1][1]
    yield row, first, further + (below if row.lines > 1 else "")
    for number, child in enumerate(row.rows):
        last = number == len(row.rows) - 1
        yield from _laid_out(child, guides, further + guides[0][last], further + guides[1][last])


def _drawn(
    console: Console, row: Row, before: tuple[str, str], widths: tuple[int, int], figures: Text
) -> Iterator[Text]:
    """The lines of a row. The figures leave `widths[0]` columns of its first line; the others have `widths[1]`."""
    narrow, wide = widths if figures.plain.strip() else (widths[1], widths[1])
    first, further = before
    for number, line in enumerate(_lines(console, row, narrow - cell_len(first), wide - cell_len(further))):
        line.rstrip()
        whole = Text.assemble((further if number else first, "dim"), line)
        if number == 0 and figures.plain.strip():
            whole.append(" " * (narrow - whole.cell_len))
            whole.append_text(figures)
            whole.rstrip()
        whole.no_wrap, whole.overflow = True, "ellipsis"
        yield whole


def _lines(console: Console, row: Row, narrow: int, wide: int) -> list[Text]:
    """The text wrapped: what does not stand in the first line has the wider ones below it."""
    narrow, wide = max(narrow, MOST_NARROW), max(wide, MOST_NARROW)
    if row.lines == 1:
        line = row.text.copy()
        line.truncate(narrow, overflow="ellipsis")
        return [line]
    wrapped = row.text.wrap(console, narrow)
    if len(wrapped) < 2:
        return list(wrapped) or [Text("")]
    taken = len(wrapped[0].plain)
    taken += len(row.text.plain[taken:]) - len(row.text.plain[taken:].lstrip())
    lines = [wrapped[0], *row.text[taken:].wrap(console, wide)]
    if len(lines) > row.lines:
        lines = lines[: row.lines]
        lines[-1].truncate(wide - 3)
        lines[-1].append("…" if console.encoding.lower().startswith("utf") else "...")
    return lines


def _figures(figures: Sequence[str], columns: Sequence[int], heading: bool) -> Text:
    parts = [
        f"{' ' * GAP}{figure.rjust(width)}"
        for figure, width in zip([*figures, *[""] * len(columns)], columns, strict=False)
        if width
    ]
    return Text("".join(parts), style="dim italic" if heading else "dim")
