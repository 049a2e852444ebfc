"""Reads csv and tsv files: the encoding and the separator are found, the types of the values are kept as text."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from tools.tables.archive import TableError
from tools.tables.book import Book, Cell, Filling, Sheet, Wanted

MAX_BYTES = 200_000_000
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SAMPLE = 200_000


def read_delimited(path: Path, name: str, wanted: Wanted) -> Book:
    """The table as a book of one sheet; all values are text.

    Raises:
        TableError: it is too large, or no text.
    """
    if path.stat().st_size > MAX_BYTES:
        raise TableError(f"a text file of more than {MAX_BYTES:,} bytes is not read")
    encoding = encoding_of(path)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        sample = file.read(_SAMPLE)
        if "\0" in sample:
            raise TableError("the file is neither a spreadsheet nor a text")
        separator = "\t" if name.lower().endswith(".tsv") else separator_of(sample)
        file.seek(0)
        sheet = Sheet("table")
        book = Book(
            f"text table, {SEPARATORS[separator]} between values, {encoding}", [sheet], semicolons=separator == ";"
        )
        filling = Filling(book, wanted)
        csv.field_size_limit(10_000_000)
        try:
            for row, values in enumerate(csv.reader(file, delimiter=separator), start=1):
                for column, value in enumerate(values[:16_384], start=1):
                    if value.strip():
                        filling.put(sheet, row, column, Cell(value.strip()))
        except csv.Error as error:
            book.notes.append(f"reading ended early: {error}")
    return book


def encoding_of(path: Path) -> str:
    """How a text file is encoded: as its mark says, UTF-8 where that fits, else what fits its letters best."""
    with path.open("rb") as file:
        data = file.read(_SAMPLE * 5)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4 or len(data) < _SAMPLE * 5:
            return _guessed(data[:_SAMPLE])
    return "utf-8"


def separator_of(sample: str) -> str:
    """The separator that splits most lines into the same number of values, more than one; of equals the semicolon.

    With semicolons between values, commas stand before decimals; the other way round is rare.
    """
    lines = sample.splitlines()[:200]
    whole = lines[:-1] if len(lines) > 1 and len(sample) >= _SAMPLE else lines

    def score(separator: str) -> tuple[int, bool, int]:
        rows = csv.reader(io.StringIO("\n".join(whole)), delimiter=separator)
        widths = Counter(len(row) for row in rows if row)
        width, times = max(widths.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]), default=(1, 0))
        return (times if width > 1 else 0, separator == ";" and width > 1, width)

    return max(SEPARATORS, key=score)


def _guessed(data: bytes) -> str:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return "cp1252"
    best = from_bytes(data).best()
    return best.encoding if best is not None else "cp1252"
