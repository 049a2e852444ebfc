"""Real workbooks, each cell against what openpyxl or another format's reader says is in it."""

from __future__ import annotations

import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.fakes.workbooks import books, tables
from tools.tables.book import Book, Wanted
from tools.tables.reading import read_book
from tools.tables.shown import MAX_CHARACTERS
from tools.tables.spreadsheet_text import read
from tools.tables.values import as_text


@cache
def opened(path: Path) -> Book:
    return read_book(path, path.name, Wanted())


def text(name: str, **asked: str) -> str:
    path = books()[name] if "/" in name else tables() / name
    return read({"file": path}, Path("unused"), path.name, **asked)


def by_openpyxl(path: Path) -> tuple[Any, Any] | None:
    """The workbook with formulas and with values, None where openpyxl cannot open it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return openpyxl.load_workbook(path), openpyxl.load_workbook(path, data_only=True)
        except (KeyError, TypeError):
            return None


def test_every_real_workbook_is_read() -> None:
    found = {name: opened(path) for name, path in books().items()}
    assert len(found) == 82
    assert sum(sheet.filled for book in found.values() for sheet in book.sheets) > 40_000
    assert not [name for name, book in found.items() if book.cut or not book.sheets]


def test_xlsx_cells_are_what_openpyxl_reads() -> None:
    compared = 0
    refused = []
    for name, path in books().items():
        if not path.suffix.startswith(".xlsx"):
            continue
        theirs = by_openpyxl(path)
        if theirs is None:
            refused.append(name)
            continue
        for sheet, formulas, values in zip(opened(path).sheets, *(each.worksheets for each in theirs), strict=True):
            theirs_told = {
                place: as_text(cell.value) for place, cell in values._cells.items() if cell.value not in (None, "")
            }
            # _x0016_ stands for a character XML cannot hold (ECMA-376, 22.9.2.19); openpyxl leaves it as it is
            wanted = {place: said for place, said in theirs_told.items() if not re.search("_x00.._", said)}
            ours = {place: as_text(cell.value) for place, cell in sheet.cells.items() if place in wanted}
            assert ours == wanted, name
            assert set(theirs_told) == {place for place, cell in sheet.cells.items() if cell.value not in (None, "")}
            told = {place: cell.value for place, cell in formulas._cells.items() if cell.data_type == "f"}
            assert {p: c.formula for p, c in sheet.cells.items() if c.formula} == {
                place: getattr(value, "text", value) for place, value in told.items()
            }, name
            assert {str(each) for each in sheet.merged} == {str(each) for each in formulas.merged_cells.ranges}
            assert sheet.hidden == (formulas.sheet_state != "visible")
            assert sheet.hidden_rows == {row for row, kept in formulas.row_dimensions.items() if kept.hidden}
            compared += len(wanted)
    assert compared > 15_000
    assert len(refused) >= 6  # the files that this reader has an answer for and openpyxl has none


@pytest.mark.parametrize(
    "pair",
    [
        ("agate-excel/test.xls", "agate-excel/test.xlsx"),
        ("agate-excel/test_sheets.xls", "agate-excel/test_sheets.xlsx"),
        ("pyexcel-xls/complex-merged-cells-sheet.xls", "pyexcel-xlsx/complex-merged-cells-sheet.xlsx"),
        ("pyexcel-xls/complex_hidden_sheets.xls", "pyexcel-xlsx/complex_hidden_sheets.xlsx"),
        ("pyexcel-xls/date_field.xls", "pyexcel-xlsx/date_field.xlsx"),
        ("pyexcel-xls/hidden_sheets.xls", "pyexcel-xlsx/hidden_sheets.xlsx"),
        ("pyexcel-xls/merged-cell-sheet.xls", "pyexcel-xlsx/merged-cell-sheet.xlsx"),
        ("pyexcel-ods3/file_with_an_empty_sheet.ods", "pyexcel-xlsx/file_with_an_empty_sheet.xlsx"),
    ],
)
def test_two_formats_of_one_workbook_say_the_same(pair: tuple[str, str]) -> None:
    first, second = (opened(books()[name]) for name in pair)
    for one, other in zip(first.sheets, second.sheets, strict=True):
        assert (one.name, one.hidden, one.used) == (other.name, other.hidden, other.used)
        assert {p: as_text(c.value) for p, c in one.cells.items()} == {
            p: as_text(c.value) for p, c in other.cells.items()
        }
        assert set(one.merged) == set(other.merged)
        assert (one.hidden_rows, one.hidden_columns) == (other.hidden_rows, other.hidden_columns)


@pytest.mark.parametrize(
    ("name", "asked", "lines"),
    [
        (
            "xlrd/xf_class.xls",
            {"sheet": "table3"},
            [
                "1 | RED | RED",
                "Filled #FF0000 (red): A1",
                "Filled #008000 (dark green): A2",
                "Font #0066CC (blue): B3",
            ],
        ),
        (
            "xlrd/apachepoi_52348.xlsx",
            {},
            [
                "1. 'balance': B2:P10, 81 cells, 27 merged",
                "Filled #808080 (grey): B2:P3",
                "Filled #C0C0C0 (light grey): B10:P10",
            ],
        ),
        (
            "pyexcel-xlsx/complex_hidden_sheets.xlsx",
            {},
            ["Hidden rows: 2, 4:5", "Hidden columns: B, D, F, H"],
        ),
        ("pyexcel-xlsx/hidden_sheets.xlsx", {}, ["2. 'hidden': A1:B1, 2 cells, hidden sheet"]),
        (
            "pyexcel-xlsx/test8.xlsx",
            {},
            ["2 | 2013-09-02 | 2013-09-03 | 2000 | 6 | 33.33", "Formulas: E1:E3 =ROUND(C1*D1/360*(B1-A1),2)"],
        ),
        ("xlrd/test_comments_excel.xlsx", {"sheet": "Sheet2"}, ["Comments: C2 '1st line 2nd line'"]),
        ("pyexcel-ods3/ods_formats.ods", {"cells": "B5"}, ["5 | 27:17:54"]),
        ("agate-excel/covid_19-iss.xlsx", {"sheet": "casi_regioni", "cells": "B:C"}, ["5 | Campania | 405667"]),
        ("agate-excel/ne_1033_data.xlsx", {"cells": "A1037:C1037"}, ["1037 | NE | YORK | 31185"]),
        ("stocks.csv", {"cells": "A2:C2"}, ["2 | MSFT | Jan 1 2000 | 39.81"]),
    ],
)
def test_what_a_model_reads(name: str, asked: dict[str, str], lines: list[str]) -> None:
    said = text(name, **asked)
    assert not [line for line in lines if line not in said.splitlines()], said[:3000]


def test_a_long_sheet_is_read_to_its_end_part_by_part() -> None:
    cells, rows = "", []
    for _ in range(50):
        said = text("agate-excel/ne_1033_data.xlsx", cells=cells)
        assert len(said) < MAX_CHARACTERS + 2000
        rows += re.findall(r"^(\d+) \| \w", said, re.MULTILINE)
        more = re.search(r'not shown; ask for cells="(\S+)"$', said)
        if more is None:
            break
        cells = more[1]
    assert list(map(int, rows)) == list(range(1, 1038))


def test_a_sheet_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="there is no sheet 'Budget'; there are 'shown', 'hidden'"):
        text("pyexcel-xlsx/hidden_sheets.xlsx", sheet="Budget")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("a;b\n1;ü\n".encode("utf-16"), "semicolons between values, utf-16-le"),
        ("a\tb\n1\tü\n".encode(), "tabs between values, utf-8"),
        (b"\xef\xbb\xbfa|b\n1|\xc3\xbc\n", "bars between values, utf-8"),
        ('name,text\n1,"x; y; z"\n2,"p; q; ü"\n'.encode(), "commas between values, utf-8"),
    ],
)
def test_separator_and_encoding_are_found(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "table").write_bytes(data)
    book = read_book(tmp_path / "table", "table.csv", Wanted())
    assert book.kind == f"text table, {kind}"
    assert "ü" in str(book.sheets[0].cells[max(book.sheets[0].cells)].value)


def test_an_old_encoding_is_guessed_from_a_real_table(tmp_path: Path) -> None:
    rows = (tables() / "airports.csv").read_text(encoding="utf-8").splitlines()[:200]
    (tmp_path / "table").write_bytes(
        "\n".join([*rows, "XXX,Zürich Flughafen,Zürich,ZH,Österreich,1,2"]).encode("cp1252")
    )
    book = read_book(tmp_path / "table", "table.csv", Wanted())
    assert book.sheets[0].cells[201, 3].value == "Zürich"
