"""A document as a reader sees it: numbered parts (pages, slides, chapters, ...), made one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from configs.errors import ConfigurationError

PART_CHARS = 6000
"""About so many characters make a part of a document that has no pages of its own."""
EXTRA = "documents"


class UnreadableError(ValueError):
    """A document that is not read, for a reason that its reader may be told."""


def shown_name(name: str) -> str:
    """A name inside a file, with what a terminal or a reader would take for something else written as its code.

    It is what listings show; files are found by it as well as by their own name.
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


@contextmanager
def damaged(kind: str) -> Iterator[None]:
    """Around libraries that raise nearly anything when a part of a file is missing or odd.

    Raises:
        UnreadableError: they did.
    """
    try:
        yield
    except (UnreadableError, ConfigurationError, MemoryError, RecursionError):
        raise
    except Exception as error:  # noqa: BLE001  struct, index, key, assertion, unicode, zlib and their own errors
        raise UnreadableError(f"this {kind} is damaged or locked: {type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class Part:
    """text: markdown or plain; label: a heading, a sheet, a chapter, or empty."""

    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read.

    Attributes:
        path: where it is; its name tells nothing.
        name: what it is called.
        work: a folder for files on the way.
        deadline: on `time.monotonic()`, after which slow parts are left out.
        progress: told what is done, in all, and the text.
        quick: whether all of it is looked through for a query, so that what is slow and only looks better is left out.
        until_read: closes what a reader keeps open while parts are made.
    """

    path: Path
    name: str
    work: Path
    deadline: float
    progress: Callable[[float, float | None, str], None]
    quick: bool = False
    until_read: ExitStack = field(default_factory=ExitStack)

    def late(self) -> bool:
        return time.monotonic() > self.deadline


@dataclass(frozen=True, slots=True)
class Document:
    """What a format's reader gives.

    Attributes:
        kind: in words, such as `PDF` or `Word document`.
        unit: what a part is called, such as `page`.
        total: how many parts there are.
        part: makes one, numbered from 1; may be slow.
        facts: a few lines about the whole.
        notes: what was left out and why; a reader may add to it while parts are made.
        records: whether lines and what is indented below them belong together, as in JSON.
    """

    kind: str
    unit: str
    total: int
    part: Callable[[int], Part]
    facts: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)
    records: bool = False


def of_parts(kind: str, unit: str, parts: Sequence[Part], facts: Sequence[str] = ()) -> Document:
    """A document whose parts are all there."""
    return Document(kind, unit, len(parts), lambda number: parts[number - 1], facts)


def of_text(kind: str, text: str, facts: Sequence[str] = ()) -> Document:
    """A document that is one text, in parts of about PART_CHARS, each labelled with the heading it stands under."""
    return of_parts(kind, "part", labelled(split(text)), facts)


def split(text: str, size: int = PART_CHARS) -> list[str]:
    """Pieces of at most `size` characters, cut at the last empty line, line end or space there is in them."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > size:
        end = _cut(text, start, start + size)
        pieces.append(text[start:end])
        start = end
    pieces.append(text[start:])
    return [piece.strip("\n") for piece in pieces if piece.strip()]


def labelled(pieces: Sequence[str]) -> list[Part]:
    """Parts named by the markdown heading they begin under."""
    parts: list[Part] = []
    heading = ""
    for piece in pieces:
        headings = [line.lstrip("#").strip() for line in piece.splitlines() if line.startswith(("# ", "## ", "### "))]
        begins = headings[0] if headings and piece.lstrip().startswith("#") else heading
        parts.append(Part(piece, begins[:80]))
        heading = headings[-1] if headings else heading
    return parts


def blocks(text: str) -> list[str]:
    """A text's least indented lines, each with the deeper ones and the closing brackets below it."""
    lines = text.split("\n")
    levels = [_indentation(line) for line in lines if line.strip() and line not in ("[", "{", "]", "}")]
    level = min(levels, default=0)
    found: list[list[str]] = [[]]
    for line in lines:
        if found[-1] and _indentation(line) <= level:
            found.append([])
        found[-1].append(line)
    return ["\n".join(block) for block in found]


def _cut(text: str, start: int, end: int) -> int:
    middle = start + (end - start) // 2
    if (found := text.rfind("\n\n", middle, end)) > 0:
        return found + 2
    places = [place + 1 for place in range(middle, end) if text[place] == "\n"]
    if places:  # the last of those before which the least indented line begins
        return min(reversed(places), key=lambda place: _indentation(text[place : place + 200]))
    found = text.rfind(" ", middle, end)
    return found + 1 if found > 0 else end


def _indentation(line: str) -> float:
    """How far a line is indented; one that closes a bracket belongs to what is above it."""
    bare = line.lstrip(" \t")
    return len(line) - len(bare) + (0.5 if bare.startswith(("}", "]")) else 0)


def table(rows: Sequence[Sequence[str]]) -> str:
    """A markdown table; the first row is its head."""
    width = max((len(row) for row in rows), default=0)
    if not width:
        return ""
    lines = ["| " + " | ".join([*map(cell, row), *[""] * (width - len(row))]) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])


def cell(text: str | None) -> str:
    """What stands in a cell, on one line."""
    return " ".join((text or "").split()).replace("|", "\\|")
