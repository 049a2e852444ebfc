"""SQL over real tables, with answers counted in another way, and SQL that wants more than tables."""

from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path

import duckdb
import openpyxl
import pytest

from tests.fakes.workbooks import books, tables
from tools.tables import sql as module
from tools.tables.book import Cell, Sheet
from tools.tables.column_types import COMMAS, type_of
from tools.tables.columns import RESERVED, rows_of, table, table_name
from tools.tables.sql import query

WORK = "agate-excel/ne_1033_data.xlsx"


def run(name: str, out: Path, sql: str = "", header: int | None = None) -> str:
    path = books()[name] if "/" in name else tables() / name
    return query({"file": path}, out, path.name, sql, header)


def ask_small(out: Path, sql: str) -> str:
    """Of a table that is loaded in no time."""
    path = out / "ne_data.csv"
    path.write_text("state,county,quantity\nNE,DAKOTA,3\n")
    return query({"file": path}, out, path.name, sql)


def test_sums_over_a_real_workbook(tmp_path: Path) -> None:
    rows = list(openpyxl.load_workbook(books()[WORK]).active.values)
    dakota = [dict(zip(rows[0], row, strict=True)) for row in rows[1:] if row[1] == "DAKOTA"]
    quantity, first = sum(row["quantity"] for row in dakota), min(row["ship_date"] for row in dakota).date()
    said = run(
        WORK, tmp_path, "SELECT count(*), sum(quantity), min(ship_date)::DATE FROM ne_data WHERE county = 'DAKOTA'"
    )
    assert said.splitlines()[1:] == [f"{len(dakota)} | {quantity:g} | {first}", "(1 row)"]
    assert len(dakota) > 30


def test_a_csv_file_is_a_table_of_its_name(tmp_path: Path) -> None:
    with (tables() / "airports.csv").open(encoding="utf-8", newline="") as file:
        states = Counter(row["state"] for row in csv.DictReader(file))
    wanted = "\n".join(f"{state} | {count}" for state, count in states.most_common(3))
    said = run("airports.csv", tmp_path, "SELECT state, count(*) AS n FROM airports GROUP BY 1 ORDER BY 2 DESC LIMIT 3")
    assert said == f"state | n\n{wanted}\n(3 rows)"


def test_parquet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Big table.parquet"
    duckdb.execute(
        "COPY (SELECT range AS n, 'x' || range AS name FROM range(1000)) TO $1 (FORMAT parquet)", [str(path)]
    )
    said = query({"file": path}, tmp_path, path.name, "SELECT max(n), max(name) FROM big_table")
    assert said.splitlines()[1:] == ["999 | x999", "(1 row)"]
    assert query({"file": path}, tmp_path, path.name).startswith(
        "table big_table (sheet 'Big table.parquet', 1000 rows"
    )


def test_tables_are_listed_with_names_that_can_be_written(tmp_path: Path) -> None:
    assert run("agate-excel/test_skip_lines.xlsx", tmp_path) == (
        "table test_csv (sheet 'test.csv', 3 rows, names in row 4): "
        "number BIGINT, text VARCHAR, boolean BOOLEAN, date DATE, datetime TIMESTAMP"
    )
    assert '"Quergefälle" DOUBLE' in run("xlrd/profiles.xls", tmp_path)
    said = run("xlsx2csv/sheets.xlsx", tmp_path, 'SELECT "№" FROM t_реестр LIMIT 1')
    assert said == "№\n1\n(1 row)"


def test_the_row_of_the_names_can_be_told(tmp_path: Path) -> None:
    assert "no row with names): A VARCHAR" in run("agate-excel/test.xlsx", tmp_path, header=0)
    assert "1 rows, names in row 3" in run("agate-excel/test.xlsx", tmp_path, header=3)


def test_names_of_tables_are_safe_and_unique() -> None:
    taken: set[str] = set()
    wanted = ["sales_2024", "t_2024", "t_order", "sheet", "sales_2024_2", "t_grösse"]
    assert [table_name(each, taken) for each in ("Sales 2024", "2024", "order", "!!", "SALES-2024", "Größe")] == wanted


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2", None], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["007", "008"], "VARCHAR"),
        (["1", "x"], "VARCHAR"),
        (["2024-02-29", "2024-03-01"], "DATE"),
        (["2024-02-30"], "VARCHAR"),
        (["2024-02-29", "2024-03-01 10:00"], "TIMESTAMP"),
        ([True, False], "BOOLEAN"),
        ([None], "VARCHAR"),
        (["-", "."], "VARCHAR"),
        (["9" * 30], "VARCHAR"),
        (["1e99"], "DOUBLE"),
        (["1e999"], "VARCHAR"),
        (["E5", "e4"], "VARCHAR"),
        (["٣", "²"], "VARCHAR"),
        ([".5", "-0.25"], "DOUBLE"),
        (["1", "N/A"], "BIGINT"),
        (["x", "N/A"], "VARCHAR"),
        (["N/A"], "VARCHAR"),
    ],
)
def test_types_of_columns(values: list[str | bool | None], kind: str) -> None:
    assert type_of(values) == kind


def test_odd_values_come_back_as_they_were(tmp_path: Path) -> None:
    odd = ['a "quoted" one', "two\nlines", "NULL", "", "comma, semicolon; 'q'", "\\n", "x" * 100_000]
    path = tmp_path / "odd.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text"], *enumerate(odd)])
    said = query({"file": path}, tmp_path, "odd.csv", "SELECT id, length(text), text FROM odd ORDER BY id")
    lengths = [line.split(" | ")[1] for line in said.splitlines()[1:-1]]
    assert lengths == ["14", "9", "4", "NULL", "21", "2", "100000"]


def test_duplicate_and_missing_names_of_columns_are_told_apart() -> None:
    values: list[list[str | int | None]] = [["a", "A", None, "b"], [1, 2, 3, 4]]
    cells = {(r, c): Cell(v) for r, row in enumerate(values, 1) for c, v in enumerate(row, 1) if v is not None}
    found = table("s", rows_of(Sheet("s", cells=cells)), set())
    assert found is not None
    assert [column.name for column in found.columns] == ["a", "A_2", "C", "b"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "a query reads only these tables"),
        ("SELECT * FROM read_text('/etc/passwd')", "a query reads only these tables"),
        ("SELECT * FROM '/etc/passwd'", "does not exist"),
        ("SELECT * FROM glob('/*')", "a query reads only these tables"),
        ("SELECT * FROM 'http://127.0.0.1:1/x.parquet'", "does not exist|reads only"),
        ("COPY ne_data TO '/tmp/out.csv'", "one SELECT is taken"),
        ("ATTACH '/tmp/a.db'", "one SELECT is taken"),
        ("INSTALL httpfs", "one SELECT is taken"),
        ("SET enable_external_access = true", "one SELECT is taken"),
        ("SELECT 1; DROP TABLE ne_data", "one SELECT is taken"),
        ("DELETE FROM ne_data", "one SELECT is taken"),
        ("SELECT getenv('PATH')", "getenv does not exist"),
        ("SELECT county_name FROM ne_data", '"county_name" not found.*\nThe tables:\ntable ne_data .*county VARCHAR'),
        ("SELECT * FROM sheet1", "sheet1 does not exist\\S*\nThe tables:\ntable ne_data"),
        ("SELEC 1", "syntax error"),
        ("SELECT '" + "x" * 10_000 + "'", "longer than 10,000 characters"),
        ("SELECT list(range) FROM range(1000000000)", "takes more memory"),
    ],
)
def test_what_a_query_may_not(sql: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"(?s){message}") as raised:
        ask_small(tmp_path, sql)
    assert str(tmp_path) not in str(raised.value)
    assert "root:" not in str(raised.value)


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.5)
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"ended after 0\.5 s"):
        ask_small(tmp_path, "SELECT count(*) FROM range(10000000) a, range(100000) b WHERE a.range * b.range = 7")
    assert time.monotonic() - started < 20


def test_long_results_end_with_how_to_go_on(tmp_path: Path) -> None:
    said = run(WORK, tmp_path, "SELECT nsn FROM ne_data")
    assert said.endswith("There are more rows than these 200; aggregate, or add ORDER BY with LIMIT and OFFSET 200")
    wide = run(WORK, tmp_path, "SELECT * FROM ne_data")
    assert len(wide) < module.MAX_CHARACTERS + 500


def test_a_part_of_a_workbook_is_not_taken_for_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.tables.book.MAX_CELLS", 140)
    with pytest.raises(ValueError, match="save the sheet as csv"):
        run(WORK, tmp_path, "SELECT count(*) FROM ne_data")


def test_decimal_commas_of_a_table_with_semicolons_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "umsatz.csv"
    path.write_text("Ort;Preis;Menge;Text\nUlm;1.234,50;3;1,5\nBonn;-0,5;4;zwei\nKiel;;2.5;3\nJena;1.000;1;4\n")
    said = query({"file": path}, tmp_path, path.name, "SELECT sum(Preis), sum(Menge), min(Text) FROM umsatz")
    assert said.splitlines()[1:] == ["2234 | 10.5 | 1,5", "(1 row)", COMMAS]
    path.write_text("1,5;a\n2,5;b\n")
    assert "no row with names): A DOUBLE, B VARCHAR" in query({"file": path}, tmp_path, path.name)


def test_commas_between_thousands_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "sales.tsv"
    path.write_text("place\tsum\nUlm\t1,234\n")
    assert query({"file": path}, tmp_path, path.name).endswith("place VARCHAR, sum VARCHAR")


def test_formulas_without_a_saved_result_are_told(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    for row in (["name", "count"], ["a", 1, "=B2*2"], ["b", 2, "=B3*2"]):
        made.active.append(row)
    path = tmp_path / "made.xlsx"
    made.save(path)
    for sql in ("", "SELECT * FROM sheet"):
        assert query({"file": path}, tmp_path, path.name, sql).splitlines()[-1] == (
            "Note: sheet 'Sheet' has 2 formulas without a saved result (C2, C3); these cells are empty here. "
            "read_spreadsheet shows the formulas"
        )


def test_a_long_text_table_is_taken_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.tables.book.MAX_CELLS", 100)
    monkeypatch.setattr(module, "PART", 7)
    path = tmp_path / "long.csv"
    path.write_text("n,v\n" + "".join(f"{number},1\n" for number in range(500)) + "500,1.5\n")
    said = query({"file": path}, tmp_path, path.name, "SELECT count(*), sum(v), max(n) FROM long")
    assert said.splitlines()[1:] == ["501 | 501.5 | 500", "(1 row)"]


def test_missing_numbers_are_null_and_told(tmp_path: Path) -> None:
    path = tmp_path / "left.csv"
    path.write_text("place,sum\nUlm,9\nBonn,N/A\nNA,10\n")
    said = query({"file": path}, tmp_path, path.name, 'SELECT max(sum), count(sum), count(place) FROM "left"')
    note = "Note: 1 values such as 'N/A' in column 'sum' were read as NULL"
    assert said.splitlines()[1:] == ["10 | 2 | 3", "(1 row)", note]
    assert query({"file": path}, tmp_path, path.name).startswith("table t_left (sheet 'left', 3 rows")


def test_every_word_that_needs_quotes_is_known() -> None:
    words = {word for (word,) in duckdb.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()}
    assert {word for word in words if not _is_table_name(word)} == RESERVED


def _is_table_name(word: str) -> bool:
    try:
        duckdb.connect().execute(f"CREATE TABLE {word} AS SELECT 1 AS {word}; SELECT {word} FROM {word}")  # noqa: S608
    except duckdb.Error:
        return False
    return True


def test_points_beside_decimal_commas_stand_between_thousands(tmp_path: Path) -> None:
    path = tmp_path / "semi.csv"
    path.write_text("a;b;c\n1.234;1,5;2.5\n2.500;2,5;3\n")
    said = query({"file": path}, tmp_path, path.name, "SELECT sum(a), sum(b), sum(c) FROM t_semi")
    assert said.splitlines()[1:] == ["3734 | 4 | 5.5", "(1 row)", COMMAS]


def test_years_are_names_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "years.csv"
    path.write_text("country,2020,2021\nA,1,2\nB,3,-\n")
    said = query({"file": path}, tmp_path, path.name, 'SELECT sum("2020"), sum("2021") FROM years')
    assert said.splitlines()[1] == "4 | 2"
    path.write_text("A,1,2\nB,2020,2021\n")
    assert "2 rows, no row with names" in query({"file": path}, tmp_path, path.name)
