"""Reads csv and tsv files: the encoding and the separator are found, the types of the values are kept as text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.documents.document import UnreadableError
from tools.documents.encodings import encoding_of
from tools.documents.plain import MAX_TEXT
from tools.tables.book import Book, Cell, Enough, Filling, Sheet, Wanted
from tools.tables.columns import Row
from tools.tables.ranges import MAX_COLUMN

MAX_BYTES = 200_000_000
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE = 200_000


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text table that was looked into.

    Attributes:
        name: the file's, without its suffix.
        separator: what stands between values.
        mark: bytes before the text that tell its encoding.
    """

    path: Path
    name: str
    separator: str
    encoding: str
    mark: int

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Row by row from the file, with values by column; without those that hold nothing.

        Raises:
            UnreadableError: a line cannot be read.
        """
        csv.field_size_limit(10_000_000)
        with self.path.open("rb") as file:
            file.seek(self.mark)
            with io.TextIOWrapper(file, self.encoding, errors="replace", newline="") as stream:
                lines = csv.reader(stream, delimiter=self.separator)
                try:
                    for row, values in enumerate(lines, start=1):
                        found: Row = {
                            column: text
                            for column, value in enumerate(values[:MAX_COLUMN], 1)
                            if (text := value.strip())
                        }
                        if found:
                            yield row, found
                except csv.Error as error:
                    raise UnreadableError(f"line {lines.line_num} cannot be read: {error}") from None


def text_table(path: Path, name: str) -> TextTable:
    """The encoding and the separator of a text table.

    Raises:
        UnreadableError: it is no text.
    """
    with path.open("rb") as file:
        start = file.read(MAX_TEXT)
    encoding, mark = encoding_of(start)
    sample = start[mark : mark + _SAMPLE].decode(encoding, "replace")
    if "\0" in sample:
        raise UnreadableError("the file is neither a spreadsheet nor a text")
    separator = "\t" if name.lower().endswith((".tsv", ".tab")) else separator_of(sample)
    return TextTable(path, PurePosixPath(name).stem or "table", separator, encoding, mark)


def read_delimited(path: Path, name: str, wanted: Wanted) -> Book:
    """The table as a book of one sheet, called as the file is; all values are text.

    Raises:
        UnreadableError: it is too large, or no text.
    """
    if path.stat().st_size > MAX_BYTES and not wanted.most:
        raise UnreadableError(f"a text file of more than {MAX_BYTES:,} bytes is not read")
    found = text_table(path, name)
    kind = f"text table, {SEPARATORS[found.separator]} between values, {found.encoding}"
    book = Book(kind, [Sheet(found.name)], separator=found.separator)
    filling = Filling(book, wanted)
    try:
        with suppress(Enough):
            for row, values in found.rows():
                for column, value in values.items():
                    filling.put(book.sheets[0], row, column, Cell(value))
    except UnreadableError as error:
        if not book.sheets[0].filled:
            raise
        book.notes.append(f"reading ended early: {error}")
    return book


def separator_of(sample: str) -> str:
    """The separator that splits most lines into the same number of values, more than one; of equals the semicolon.

    With semicolons between values, commas stand before decimals; the other way round is rare.
    """
    lines = sample.splitlines()[:200]
    whole = lines[:-1] if len(lines) > 1 and len(sample) >= _SAMPLE // 4 else lines

    def score(separator: str) -> tuple[int, bool, int]:
        rows = csv.reader(io.StringIO("\n".join(whole)), delimiter=separator)
        widths = Counter(len(row) for row in rows if row)
        width, times = max(widths.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]), default=(1, 0))
        return (times if width > 1 else 0, separator == ";" and width > 1, width)

    return max(SEPARATORS, key=score)
