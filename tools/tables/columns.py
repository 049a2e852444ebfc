"""Sheets as tables of a database: which row has the names, what the columns are called and which type fits them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tools.tables.book import Scalar, Sheet
from tools.tables.ranges import letters
from tools.tables.values import as_text

MAX_COLUMNS = 1000
HEADER_ROWS = 20
"""The names of columns are looked for so far down."""
_WORD = re.compile(r"\W+")
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,17})?(\.\d+)?([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")


@dataclass(frozen=True, slots=True)
class Column:
    """name: as in the sheet; type: of DuckDB."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet as a table.

    Attributes:
        name: safe in SQL without quotes.
        sheet: the name it was made from.
        header: the row with the names; 0: none was found, they are letters.
        rows: values as text, None where there is none.
    """

    name: str
    sheet: str
    header: int
    columns: tuple[Column, ...]
    rows: list[list[str | None]]


def table(sheet: Sheet, taken: set[str], header: int | None = None) -> Table | None:
    """The sheet as a table, None where it is empty.

    Args:
        taken: names of tables so far; the new one is added.
        header: the row with the names, 0 for none; None: it is found.
    """
    by_row: dict[int, dict[int, Scalar]] = {}
    for (row, column), cell in sheet.cells.items():
        if cell.value not in (None, ""):
            by_row.setdefault(row, {})[column] = cell.value
    if not by_row:
        return None
    top = _header(by_row) if header is None else header
    places = sorted({column for row, values in by_row.items() if row >= top for column in values})[:MAX_COLUMNS]
    names = _names([by_row.get(top, {}).get(column) if top else None for column in places], places)
    body = [by_row[row] for row in sorted(by_row) if row > top]
    kinds = [type_of([values.get(column) for values in body]) for column in places]
    rows = [[_stored(values.get(column), kind) for column, kind in zip(places, kinds, strict=True)] for values in body]
    columns = tuple(Column(name, kind) for name, kind in zip(names, kinds, strict=True))
    return Table(table_name(sheet.name, taken), sheet.name, top, columns, rows)


def table_name(name: str, taken: set[str]) -> str:
    """A name that needs no quotes, not among those taken; it is added to them."""
    plain = _WORD.sub("_", name.strip().casefold()).strip("_")[:60] or "sheet"
    plain = plain if plain.isascii() and not plain[0].isdigit() and plain not in RESERVED else f"t_{plain}"
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain}_{number}"
    taken.add(found)
    return found


def type_of(values: Sequence[Scalar]) -> str:
    """The narrowest type of DuckDB that holds all values; texts that are all numbers or dates count as such."""
    kinds = {_kind(value) for value in values if value is not None}
    if kinds <= {"BIGINT"}:
        return "BIGINT" if kinds else "VARCHAR"
    if kinds <= {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    if kinds <= {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP" if "TIMESTAMP" in kinds else "DATE"
    return kinds.pop() if len(kinds) == 1 else "VARCHAR"


def _kind(value: Scalar) -> str:
    simple: tuple[tuple[type, str], ...] = (
        (bool, "BOOLEAN"), (float, "DOUBLE"), (datetime, "TIMESTAMP"), (date, "DATE"), (time, "TIME"),
        (timedelta, "INTERVAL"),
    )  # fmt: skip
    for kind, name in simple:
        if isinstance(value, kind):
            return name
    text = str(value)
    if _INTEGER.fullmatch(text):
        return "BIGINT"
    if any(map(str.isdigit, text)) and _NUMBER.fullmatch(text):
        return "DOUBLE"
    if _DATE.fullmatch(text) and _is_date(text):
        return "DATE"
    return "TIMESTAMP" if _STAMP.fullmatch(text) and _is_date(text) else "VARCHAR"


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _stored(value: Scalar, kind: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime) and kind == "TIMESTAMP":
        return value.isoformat(" ")
    if isinstance(value, float) and kind == "DOUBLE":
        return repr(value)
    return as_text(value)


def _header(by_row: dict[int, dict[int, Scalar]]) -> int:
    """The first row of texts that is about as wide as the table; 0 where there is none."""
    first = sorted(by_row)[:HEADER_ROWS]
    width = max(len(by_row[row]) for row in first)
    for row in first:
        values = list(by_row[row].values())
        if len(values) * 2 >= width and len(values) * 3 > width * 2 - 1:
            texts = sum(isinstance(value, str) and _kind(value) == "VARCHAR" for value in values)
            return row if texts * 2 > len(values) and len(by_row) > 1 else 0
    return 0


def _names(found: Sequence[Scalar], places: Sequence[int]) -> list[str]:
    names: list[str] = []
    seen: set[str] = set()
    for value, place in zip(found, places, strict=True):
        name = " ".join(as_text(value).split())[:100] or letters(place)
        unique, number = name, 1
        while unique.casefold() in seen:
            number += 1
            unique = f"{name}_{number}"
        seen.add(unique.casefold())
        names.append(unique)
    return names


# fmt: off
RESERVED = frozenset((
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check",
    "collate", "column", "constraint", "create", "default", "deferrable", "desc", "describe", "distinct", "do",
    "else", "end", "except", "false", "fetch", "for", "foreign", "from", "group", "having", "in", "initially",
    "intersect", "into", "lambda", "lateral", "leading", "limit", "not", "null", "offset", "on", "only", "or",
    "order", "pivot", "placing", "primary", "qualify", "references", "returning", "select", "show", "some",
    "summarize", "symmetric", "table", "then", "to", "trailing", "true", "union", "unique", "unpivot", "using",
    "variadic", "when", "where", "window", "with",
))
# fmt: on
"""Words of DuckDB's SQL that name nothing without quotes."""
