"""Reads csv and tsv files: the encoding and the separator are found, the types of the values are kept as text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tools.documents.document import UnreadableError
from tools.documents.encodings import encoding_of
from tools.documents.plain import MAX_TEXT
from tools.tables.book import Book, Cell, Enough, Filling, Sheet, Wanted
from tools.tables.ranges import MAX_COLUMN

MAX_BYTES = 200_000_000
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SAMPLE = 200_000


def read_delimited(path: Path, name: str, wanted: Wanted) -> Book:
    """The table as a book of one sheet, called as the file is; all values are text.

    Raises:
        UnreadableError: it is too large, or no text.
    """
    if path.stat().st_size > MAX_BYTES and not wanted.most:
        raise UnreadableError(f"a text file of more than {MAX_BYTES:,} bytes is not read")
    with path.open("rb") as file:
        start = file.read(MAX_TEXT)
        encoding, mark = encoding_of(start)
        sample = start[mark : mark + _SAMPLE].decode(encoding, "replace")
        if "\0" in sample:
            raise UnreadableError("the file is neither a spreadsheet nor a text")
        separator = "\t" if name.lower().endswith((".tsv", ".tab")) else separator_of(sample)
        sheet = Sheet(PurePosixPath(name).stem or "table")
        kind = f"text table, {SEPARATORS[separator]} between values, {encoding}"
        book = Book(kind, [sheet], separator=separator)
        file.seek(mark)
        with io.TextIOWrapper(file, encoding, errors="replace", newline="") as text:
            _fill(book, csv.reader(text, delimiter=separator), wanted)
    return book


def _fill(book: Book, rows: Iterable[list[str]], wanted: Wanted) -> None:
    filling = Filling(book, wanted)
    csv.field_size_limit(10_000_000)
    try:
        with suppress(Enough):
            for row, values in enumerate(rows, start=1):
                for column, value in enumerate(values[:MAX_COLUMN], start=1):
                    if text := value.strip():
                        filling.put(book.sheets[0], row, column, Cell(text))
    except csv.Error as error:
        book.notes.append(f"reading ended early: {error}")


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
