"""From recognised pieces of text on a page to text in the order a person reads it: columns, lines, paragraphs.

Recursive X-Y cut (Nagy and Seth, 1984): the page is split at white stripes, into columns where both sides are prose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

UNSURE = 0.8
"""Pieces recognised with less confidence are marked."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text in a box, in pixels from the upper left; confidence from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    confidence: float = 1.0

    @property
    def height(self) -> float:
        return self.bottom - self.top


def in_order(pieces: Sequence[Piece]) -> str:
    """The text; pieces of one line beside each other, a blank line between paragraphs, unsure pieces with `[?]`."""
    return "\n".join(_read(list(pieces))).strip()


def _read(pieces: list[Piece]) -> list[str]:
    if not pieces:
        return []
    high = median(piece.height for piece in pieces)
    columns = _columns(pieces, high)
    if len(columns) > 1:
        return [line for column in columns for line in [*_read(column), ""]][:-1]
    runs = _runs(_split(pieces, lambda piece: (piece.top, piece.bottom), 0.0))
    if any(len(_columns(run, high)) > 1 for run in runs):
        return [line for run in runs for line in [*_read(run), ""]][:-1]
    return _lines(pieces, high)


def _columns(pieces: list[Piece], high: float) -> list[list[Piece]]:
    """The columns, or all in one: a column has three lines at least, which are long for their height."""
    parts = _split(pieces, lambda piece: (piece.left, piece.right), 0.6 * high)
    prose = all(
        len(part) >= 3 and median((piece.right - piece.left) / max(piece.height, 1) for piece in part) >= 6
        for part in parts
    )
    return parts if prose else [pieces]


def _runs(blocks: list[list[Piece]]) -> list[list[Piece]]:
    """Rows of a page, one below the other, joined as long as they are of one kind: a piece a row, or several."""
    runs: list[list[Piece]] = []
    kind = None
    for block in blocks:
        if runs and kind == (len(block) > 1):
            runs[-1].extend(block)
        else:
            runs.append(list(block))
        kind = len(block) > 1
    return runs


def _split(pieces: list[Piece], span: Callable[[Piece], tuple[float, float]], gap: float) -> list[list[Piece]]:
    """Groups of pieces whose spans lie more than `gap` apart."""
    groups: list[list[Piece]] = []
    end = float("-inf")
    for piece in sorted(pieces, key=span):
        start, stop = span(piece)
        if not groups or start > end + gap:
            groups.append([])
        groups[-1].append(piece)
        end = max(end, stop)
    return groups


def _lines(pieces: list[Piece], high: float) -> list[str]:
    rows: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda each: each.top + each.bottom):
        middle = (piece.top + piece.bottom) / 2
        if rows and rows[-1][0].top <= middle <= rows[-1][0].bottom and piece.top < _middle(rows[-1][0]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    lines: list[str] = []
    bottom = None
    for row in rows:
        top = min(piece.top for piece in row)
        if bottom is not None and top - bottom > 0.9 * high:
            lines.append("")
        lines.append("  ".join(_marked(piece) for piece in sorted(row, key=lambda each: each.left)))
        bottom = max(piece.bottom for piece in row)
    return lines


def _middle(piece: Piece) -> float:
    return (piece.top + piece.bottom) / 2


def _marked(piece: Piece) -> str:
    return piece.text if piece.confidence >= UNSURE else f"{piece.text} [?]"
