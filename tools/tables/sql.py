"""What `query_spreadsheet` answers; runs in the sandbox, see `tools.sandbox.jobs`.

The tables are copied into a database in memory, which then may open no file, load no extension, reach no network, and
take no other settings. SQL can change nothing that lasts.
"""

from __future__ import annotations

import csv
import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.tables.book import MAX_CELLS, Sheet, Wanted
from tools.tables.columns import RESERVED, Column, Table, rows_of, table, table_name
from tools.tables.delimited import text_table
from tools.tables.ranges import cell_name
from tools.tables.reading import is_parquet, is_text, read_book
from tools.tables.values import as_text, one_line

MAX_ROWS = 200
MAX_CHARACTERS = 12_000
MAX_SQL = 10_000
SECONDS = 20.0
MEMORY = "600MB"
PART = 50_000
"""Rows that are copied at a time, through a file that needs room for no more."""
_READS = ("SELECT", "EXPLAIN")
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def query(inputs: Mapping[str, Path], out: Path, name: str, sql: str = "", header: int | None = None) -> str:
    """The rows that a query gives, or the tables there are where it is empty, as text.

    Args:
        name: the file's; a text table is called after it.
        header: the row with the names of the columns, 0 for none, None to find it.

    Raises:
        ValueError: the file cannot be read; the query is refused or wrong (with the tables and columns there are).
    """
    import duckdb

    if len(sql) > MAX_SQL:
        raise ValueError(f"the query is longer than {MAX_SQL:,} characters")
    database = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": MEMORY})
    try:
        tables, notes = _loaded(database, inputs["file"], out, name, header)
        if not tables:
            raise ValueError("the file has no table: all sheets are empty")
        told = "\n".join([*map(_described, tables), *notes])
        if not sql.strip():
            return told
        _locked(database)
        return "\n".join([_rows(database, sql, told), *notes])
    finally:
        database.close()


def _loaded(database: Any, path: Path, out: Path, name: str, header: int | None) -> tuple[list[Table], list[str]]:
    if is_parquet(path):
        return [_parquet(database, path, name)], []
    taken: set[str] = set()
    tables: list[Table] = []
    notes: list[str] = []
    if is_text(path):
        text = text_table(path, name)
        found = table(text.name, text.rows, taken, header, decimal_commas=text.separator == ";")
        tables += _copied(database, found, out)
    else:
        book = read_book(path, name, Wanted())
        if book.cut:  # a sum over a part would be taken for the whole
            raise ValueError(
                f"the workbook has more than {MAX_CELLS:,} cells; save the sheet as csv, which may be longer"
            )
        for sheet in book.sheets:
            notes += _unsaved(sheet)
            tables += _copied(database, table(sheet.name, rows_of(sheet), taken, header), out)
            sheet.cells.clear()
    _named_as_they_are(database, tables, taken)
    return tables, [*notes, *dict.fromkeys(note for each in tables for note in each.notes)]


def _named_as_they_are(database: Any, tables: list[Table], taken: set[str]) -> None:
    """Let each table be found under its sheet's own name too, written in quotes."""
    for each in tables:
        if each.sheet.casefold() not in taken:
            taken.add(each.sheet.casefold())
            database.execute(f"CREATE VIEW {_quoted(each.sheet)} AS SELECT * FROM {_quoted(each.name)}")  # noqa: S608


def _unsaved(sheet: Sheet) -> list[str]:
    """A note where formulas have no result, which a workbook made by a program often lacks."""
    places = sorted(place for place, cell in sheet.cells.items() if cell.formula and cell.value is None)
    if not places:
        return []
    named = ", ".join(cell_name(*place) for place in places[:3]) + ", ..." * (len(places) > 3)
    return [
        f"Note: sheet {sheet.name!r} has {len(places)} formulas without a saved result ({named}); these cells are "
        "empty here. read_spreadsheet shows the formulas"
    ]


def _copied(database: Any, found: Table | None, out: Path) -> list[Table]:
    """Through a file, because DuckDB takes single rows slowly."""
    import duckdb

    if found is None:
        return []
    kinds = ", ".join(f"{_literal(column.name)}: '{column.type}'" for column in found.columns)
    options = (
        f"header = false, columns = {{{kinds}}}, nullstr = {_literal(_NULL)}, delim = ',', "
        "quote = '\"', escape = '\"', "
        "new_line = '\\n', allow_quoted_nulls = true, auto_detect = false, parallel = false, max_line_size = 50000000"
    )
    columns = ", ".join(f"{_quoted(column.name, always=True)} {column.type}" for column in found.columns)
    file, rows, into = out / "rows.csv", found.rows(), _quoted(found.name)
    try:
        database.execute(f"CREATE TABLE {into} ({columns})")
        while part := list(itertools.islice(rows, PART)):
            with file.open("w", encoding="utf-8", newline="") as lines:
                writer = csv.writer(lines, quoting=csv.QUOTE_ALL, lineterminator="\n")
                writer.writerows([_NULL if value is None else _unix(value) for value in row] for row in part)
            database.execute(f"INSERT INTO {into} SELECT * FROM read_csv({_literal(str(file))}, {options})")  # noqa: S608
            file.unlink()
    except duckdb.OutOfMemoryException:
        raise ValueError(f"sheet {found.sheet!r} takes more memory than there is") from None
    except duckdb.Error:
        raise ValueError(f"sheet {found.sheet!r} cannot be taken as a table") from None
    return [found]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _unix(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value


_NULL = "\x1dnone\x1d"


def _parquet(database: Any, path: Path, name: str) -> Table:
    import duckdb

    called = table_name(Path(name).stem, set())
    try:
        database.read_parquet(str(path)).create(called)
    except duckdb.Error:
        raise ValueError("the parquet file is damaged or too large") from None
    kinds = database.execute(f"DESCRIBE {called}").fetchall()
    (count,) = database.execute(f"SELECT count(*) FROM {called}").fetchone()  # noqa: S608  our own name
    columns = tuple(Column(str(each[0]), str(each[1])) for each in kinds)
    return Table(called, Path(name).name, 1, columns, count, lambda: iter(()))


def _locked(database: Any) -> None:
    for setting in (
        "SET temp_directory = ''",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET allow_community_extensions = false",
        "SET lock_configuration = true",
    ):
        database.execute(setting)


def _rows(database: Any, sql: str, told: str) -> str:
    import duckdb

    try:
        statements = database.extract_statements(sql)
        if len(statements) != 1 or statements[0].type.name not in _READS:
            raise ValueError(f"one SELECT is taken, nothing that changes tables.\n{told}")
        with _in_time(database):
            result = database.execute(statements[0])
            names = [each[0] for each in result.description or ()]
            rows = result.fetchmany(MAX_ROWS + 1)
    except duckdb.InterruptException:
        raise ValueError(f"the query was ended after {SECONDS:g} s; ask for less") from None
    except duckdb.OutOfMemoryException:
        raise ValueError("the query takes more memory than there is; ask for less") from None
    except duckdb.PermissionException:
        raise ValueError(f"a query reads only these tables, no files and no network:\n{told}") from None
    except duckdb.Error as error:
        raise ValueError(f"{_reason(error)}\nThe tables:\n{told}") from None
    return _shown(names, rows)


@contextmanager
def _in_time(database: Any) -> Iterator[None]:
    timer = threading.Timer(SECONDS, database.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _reason(error: Exception) -> str:
    """What DuckDB says is wrong, without the picture of the place and what is not ours to tell."""
    text = re.split(r"\n\s*\n?LINE \d+:", str(error))[0]
    text = re.sub(r"^(\w+) Error: ", "", text)
    text = re.sub(r'!\s+Did you mean "\w+"\?\s*$', "", text)
    return one_line(text, 400).replace("\\|", "|")


def _shown(names: list[str], rows: list[tuple[Any, ...]]) -> str:
    said = [" | ".join(names)]
    used = len(said[0])
    for row in rows[:MAX_ROWS]:
        line = " | ".join("NULL" if value is None else one_line(as_text(value), 500) for value in row)
        used += len(line) + 1
        if used > MAX_CHARACTERS and len(said) > 1:
            break
        said.append(line[:MAX_CHARACTERS])
    shown = len(said) - 1
    if shown < len(rows):
        said.append(f"There are more rows than these {shown}; aggregate, or add ORDER BY with LIMIT and OFFSET {shown}")
    else:
        said.append(f"({shown} row{'s' * (shown != 1)})")
    return "\n".join(said)


def _described(found: Table) -> str:
    kinds = ", ".join(f"{_quoted(column.name)} {column.type}" for column in found.columns[:100])
    more = f", and {len(found.columns) - 100} more columns" if len(found.columns) > 100 else ""
    origin = f"sheet {found.sheet!r}, " if found.sheet != found.name else ""
    names = f"names in row {found.header}" if found.header else "no row with names"
    return f"table {found.name} ({origin}{found.count} rows, {names}): {kinds}{more}"


def _quoted(name: str, *, always: bool = False) -> str:
    if not always and _PLAIN.fullmatch(name) and name.casefold() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'
