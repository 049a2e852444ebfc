"""A cell is the same text whoever shows it: read_document, read_spreadsheet and query_spreadsheet."""

from __future__ import annotations

import re
import time
from pathlib import Path

import openpyxl
import pytest

from tests.fakes.made_workbook import SPREADSHEET, made
from tests.fakes.workbooks import books
from tools.documents import parse, sheets
from tools.documents.document import Source, cell
from tools.tables import spreadsheet_text, sql
from tools.tables.book import Wanted
from tools.tables.ranges import letters
from tools.tables.reading import read_book
from tools.tables.values import as_text

STYLES = (
    f'<styleSheet {SPREADSHEET}><numFmts><numFmt numFmtId="170" formatCode="[h]:mm:ss"/></numFmts><cellXfs>'
    + "".join(f'<xf numFmtId="{number}"/>' for number in (0, 10, 14, 22, 20, 170))
    + "</cellXfs></styleSheet>"
)
STRINGS = (
    f'<sst {SPREADSHEET}><si><r><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>aid</t></rPh></si>'
    "<si><t>a|b\nc</t></si></sst>"
)
CELLS = [
    ("<v>45322</v>", 's="2"', "2024-01-31"),
    ("<v>45322.515625</v>", 's="3"', "2024-01-31 12:22:30"),
    ("<v>0.75</v>", 's="4"', "18:00:00"),
    ("<v>1.12847222222222</v>", 's="5"', "27:05:00"),
    ("<v>2024-01-31T08:00:00Z</v>", 't="d"', "2024-01-31 08:00:00"),
    ("<v>0.256</v>", 's="1"', "0.256"),
    ("<v>1</v>", 't="b"', "TRUE"),
    ("<v>#DIV/0!</v>", 't="e"', "#DIV/0!"),
    ("<v>4111111111111111</v>", "", "4111111111111111"),
    ("<v>12345678901234567890</v>", "", "1.23456789012346e+19"),
    ("<v>0.30000000000000004</v>", "", "0.3"),
    ("<v>1E-3</v>", "", "0.001"),
    ("<v>0</v>", 't="s"', "rich text"),
    ("<v>1</v>", 't="s"', "a\\|b c"),
    ("<is><t>in_x0041_line</t></is>", 't="inlineStr"', "inAline"),
    ('<f t="shared" ref="P2:P3" si="0">A2*2</f><v>7</v>', "", "7"),
    ('<f>IF(A2,"","x")</f><v></v>', 't="str"', ""),
]


def mixed(folder: Path) -> Path:
    """A row of names, and a row with a cell of each kind."""
    head = "".join(f'<c t="str"><v>c{n}</v></c>' for n in range(1, len(CELLS) + 1))
    body = "".join(f'<c r="{letters(n)}2" {told}>{inner}</c>' for n, (inner, told, _) in enumerate(CELLS, start=1))
    rows = f'<row r="1">{head}</row><row r="2">{body}</row>'
    return made(folder / "mixed.xlsx", rows, styles=STYLES, sharedStrings=STRINGS)


def document(path: Path, name: str = "") -> list[str]:
    """All lines of the tables that read_document shows."""
    source = Source(path, name or path.name, path.parent, time.monotonic() + 60, lambda done, total, text: None)
    found = sheets.read_workbook(source)
    return [line for number in range(1, found.total + 1) for line in found.part(number).text.splitlines()]


def test_every_kind_of_cell(tmp_path: Path) -> None:
    path = mixed(tmp_path)
    wanted = [text for *_, text in CELLS]
    assert document(path)[-1] == f"| 2 | {' | '.join(wanted)} |"
    said = spreadsheet_text.read({"file": path}, tmp_path, path.name)
    assert f"2 | {' | '.join(wanted).rstrip(' |')}" in said.splitlines()
    shown = sql.query({"file": path}, tmp_path, path.name, "SELECT * FROM s").splitlines()[1]
    assert shown == " | ".join([*wanted[:-1], "NULL"])


@pytest.mark.parametrize(
    "name", ["xlrd/profiles.xls", "xlrd/reveng1.xlsx", "pyexcel-ods3/ods_formats.ods", "pyexcel-xls/date_field.xls"]
)
def test_real_workbooks(name: str) -> None:
    path = books()[name]
    rows: list[str] = []
    for sheet in read_book(path, name, Wanted()).sheets:
        by_row: dict[int, list[str]] = {}
        for (row, _), found in sorted(sheet.cells.items()):
            if text := cell(found.formula if found.value is None else as_text(found.value)):
                by_row.setdefault(row, []).append(text)
        rows += [" | ".join([str(row), *texts]) for row, texts in by_row.items()]
    shown = (re.split(r" ?(?<!\\)\| ?", line)[1:-1] for line in document(path) if re.match(r"\| \d", line))
    assert [" | ".join(filter(None, cells)) for cells in shown] == rows


def test_what_stands_beside_the_cells(tmp_path: Path) -> None:
    path = books()["xlrd/test_comments_excel.xlsx"]
    told = parse.read({"file": path}, tmp_path, name="a.xlsx")
    assert ("Sheet2, comments", "C2: 1st line\n2nd line") in [(each["label"], each["text"]) for each in told["shown"]]
    hidden = parse.read({"file": books()["pyexcel-xlsx/complex_hidden_sheets.xlsx"]}, tmp_path, name="a.xlsx")
    assert "3 hidden rows, 4 hidden columns" in "\n".join(hidden["facts"])


def test_a_document_ends_where_enough_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_CELLS", 10)
    monkeypatch.setattr("tools.tables.book.MAX_COUNTED", 25)
    made_book = openpyxl.Workbook()
    for sheet in (made_book.active, made_book.create_sheet("Second")):
        for row in range(1, 100):
            sheet.append([row])
    path = tmp_path / "long.xlsx"
    made_book.save(path)
    told = parse.read({"file": path}, tmp_path, name="long.xlsx")
    assert told["facts"] == [
        "2 sheets:",
        "- Sheet: 10 filled rows, down to row 10, column A",
        "- Second: 10 filled rows, down to row 10, column A",
        "read up to 10 cells of a sheet; query_spreadsheet reads on",
    ]
    path.write_text("a,b\n" * 1000)
    monkeypatch.setattr("tools.tables.delimited.MAX_BYTES", 100)
    told = parse.read({"file": path}, tmp_path, name="long.csv")
    assert told["facts"] == [
        "5 rows with the head, 2 columns",
        "read up to 10 cells of a sheet; query_spreadsheet reads on",
    ]


@pytest.mark.parametrize("name", ["xlrd/Formate.xls", "pyexcel-ods3/file_with_an_empty_sheet.ods"])
def test_each_sheet_of_other_formats_ends_there_too(name: str) -> None:
    path = books()[name]
    whole = read_book(path, name, Wanted()).sheets
    cut = read_book(path, name, Wanted(most=2))
    assert [(each.name, each.filled) for each in cut.sheets] == [(each.name, min(2, each.filled)) for each in whole]
    assert cut.cut


def test_a_text_table_keeps_its_head_in_every_part(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes("\n".join(["Ort;Wert", *(f"Köln;{n},5" for n in range(2000))]).encode("cp1252"))
    told = parse.read({"file": path}, tmp_path, name="long.csv", pages="2")
    assert told["kind"] == "text table, semicolons between values, cp1252"
    assert told["facts"] == ["2,001 rows with the head, 2 columns"]
    (part,) = told["shown"]
    first = int(re.findall(r"rows (\d+)-", part["label"])[0])
    assert part["text"].startswith(f"| Ort | Wert |\n| --- | --- |\n| Köln | {first - 2},5 |")
