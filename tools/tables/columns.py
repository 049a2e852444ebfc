"""Sheets as tables of a database: which row has the names, what the columns are called and which type fits them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tools.tables.book import Scalar, Sheet
from tools.tables.column_types import ColumnType, type_of
from tools.tables.ranges import letters
from tools.tables.values import as_text

MAX_COLUMNS = 1000
HEADER_ROWS = 20
"""The names of columns are looked for so far down."""
_YEAR = re.compile(r"(19|20)\d\d", re.ASCII)
_WORD = re.compile(r"\W+")
Row: TypeAlias = dict[int, Scalar]
"""Values by the number of their column."""
Rows: TypeAlias = Callable[[], Iterator[tuple[int, Row]]]
"""Goes through the rows that hold something, by number, each time from the first."""


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
        count: how many rows there are.
        rows: makes them, each time anew: values as text, None where there is none.
        notes: what was taken for something else than it looks like.
    """

    name: str
    sheet: str
    header: int
    columns: tuple[Column, ...]
    count: int
    rows: Callable[[], Iterator[list[str | None]]]
    notes: tuple[str, ...] = ()


def rows_of(sheet: Sheet) -> Rows:
    """The rows of a sheet that hold something."""
    by_row: dict[int, Row] = {}
    for (row, column), cell in sheet.cells.items():
        if cell.value not in (None, ""):
            by_row.setdefault(row, {})[column] = cell.value
    return lambda: ((row, by_row[row]) for row in sorted(by_row))


def table(
    sheet: str, rows: Rows, taken: set[str], header: int | None = None, *, decimal_commas: bool = False
) -> Table | None:
    """The rows of a sheet as a table, None where there are none. They are gone through now, and again when taken.

    Args:
        taken: names of tables so far; the new one is added.
        header: the row with the names, 0 for none; None: it is found.
        decimal_commas: numbers may be written 1.234,50.
    """
    first = list(itertools.islice(rows(), HEADER_ROWS))
    if not first:
        return None
    top = _header(dict(first), decimal_commas) if header is None else header
    head: Row = {}
    found: dict[int, ColumnType] = {}
    count = 0
    for row, values in rows():
        if row == top:
            head = values
        elif row > top:
            count += 1
            for column, value in values.items():
                if column not in found:
                    found[column] = ColumnType(decimal_commas=decimal_commas)
                found[column].see(value)
    if any(kind.proves_commas for kind in found.values()):
        for kind in found.values():
            kind.beside_commas()
    places = sorted({*found, *head})[:MAX_COLUMNS]
    kinds = [found.get(column, ColumnType()) for column in places]
    names = _names([head.get(column) for column in places], places)

    def body() -> Iterator[list[str | None]]:
        for row, values in rows():
            if row > top:
                yield [kind.stored(values.get(column)) for column, kind in zip(places, kinds, strict=True)]

    columns = tuple(Column(name, kind.name) for name, kind in zip(names, kinds, strict=True))
    notes = tuple(note for name, kind in zip(names, kinds, strict=True) for note in kind.notes(name))
    return Table(table_name(sheet, taken), sheet, top, columns, count, body, notes)


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


def _header(by_row: dict[int, Row], decimal_commas: bool) -> int:
    """The first row of texts that is about as wide as the table; 0 where there is none."""
    first = sorted(by_row)[:HEADER_ROWS]
    width = max(len(by_row[row]) for row in first)
    for row in first:
        values = list(by_row[row].values())
        if len(values) * 2 >= width and len(values) * 3 > width * 2 - 1:
            texts = sum(isinstance(value, str) and type_of([value], decimal_commas) == "VARCHAR" for value in values)
            named = texts * 2 > len(values) or _years_after_a_text(values)
            return row if named and len(by_row) > 1 else 0
    return 0


def _years_after_a_text(values: list[Scalar]) -> bool:
    """Whether a row heads columns that stand for years: at least two, in order, after the name of what the rows are."""
    first, *rest = (as_text(value) for value in values)
    years = [int(text) for text in rest if _YEAR.fullmatch(text)]
    in_order = years == sorted(set(years)) or years == sorted(set(years), reverse=True)
    return len(years) == len(rest) > 1 and in_order and type_of([first]) == "VARCHAR"


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
    "all", "analyse", "analyze", "and", "anti", "any", "array", "as", "asc", "asof", "asymmetric", "at",
    "authorization", "binary", "both", "by", "case", "cast", "check", "collate", "collation", "column",
    "concurrently", "constraint", "create", "cross", "default", "deferrable", "desc", "describe", "distinct", "do",
    "else", "end", "except", "false", "fetch", "for", "foreign", "freeze", "from", "full", "glob", "group",
    "having", "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join", "lambda", "lateral",
    "leading", "left", "like", "limit", "natural", "not", "notnull", "null", "offset", "on", "only", "or", "order",
    "outer", "overlaps", "pivot", "pivot_longer", "pivot_wider", "placing", "positional", "primary", "qualify",
    "references", "returning", "right", "select", "semi", "show", "similar", "some", "summarize", "symmetric",
    "table", "tablesample", "then", "to", "trailing", "true", "union", "unique", "unpack", "unpivot", "using",
    "variadic", "verbose", "when", "where", "window", "with",
))
# fmt: on
"""Words of DuckDB's SQL that name nothing without quotes."""
