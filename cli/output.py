"""What goes to the two streams: results to stdout, everything else to stderr. Text is never read as rich markup."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from cli.printable import clean, json_text, one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PIPED_WIDTH = 200


def console(stream: TextIO) -> Console:
    """A console that prints text as it is. A pipe gets wide lines, a terminal its own width."""
    from rich.console import Console

    made = Console(file=stream, markup=False, emoji=False, highlight=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = max(made.width, PIPED_WIDTH)
    return made


def say(text: str, style: str = "") -> None:
    """One line on stderr, with the program's name before it."""
    from rich.text import Text

    line = f"memento: {' '.join(clean(text).split())}"
    console(sys.stderr).print(Text(line, style=style), soft_wrap=True)


def print_text(text: str) -> None:
    """Clean text on stdout, as it is."""
    sys.stdout.write(f"{clean(text)}\n")
    sys.stdout.flush()


def print_pretty(*renderables: RenderableType) -> None:
    """Rich objects on stdout."""
    made = console(sys.stdout)
    for each in renderables:
        made.print(each)


def print_json(value: Any) -> None:
    """The one JSON object of `--json` on stdout."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    sys.stdout.write(json_text(value, ascii_only=encoding != "utf8") + "\n")
    sys.stdout.flush()


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, widest: int = 0) -> None:
    """A table on a terminal, lines with tabs in a pipe; nothing but the column `widest` is cut to fit a terminal."""
    made = console(sys.stdout)
    if not made.is_terminal:
        for row in [headings, *rows]:
            print_text("\t".join(one_line(str(cell), 2000) for cell in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index != widest, overflow="ellipsis", ratio=1 if index == widest else None)
    for row in rows:
        cells = [cell if isinstance(cell, Text) else Text(one_line(str(cell))) for cell in row]
        cells[widest].no_wrap, cells[widest].overflow = True, "ellipsis"  # rich shrinks only a column that may wrap
        table.add_row(*cells)
    made.print(table)


@contextmanager
def reserved_stdout() -> Iterator[int]:
    """Keep stdout for the result: what libraries print meanwhile goes to stderr. Yields the descriptor of stdout."""
    try:
        is_real = sys.stdout.fileno() == 1
    except (OSError, ValueError):
        is_real = False
    if not is_real:
        yield 1
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield kept
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
