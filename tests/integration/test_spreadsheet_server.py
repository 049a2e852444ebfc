"""The server `spreadsheet` as a process, on real workbooks and hostile ones."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from tests.fakes.made_workbook import made
from tests.fakes.one_server import noted, settings_with
from tests.fakes.workbooks import books, tables
from tools.client import open_tools

READ = [
    (
        "agate-excel/ne_1033_data.xlsx",
        {"cells": "A1037:C1037"},
        "1037 | NE | YORK | 31185",
        "equals openpyxl's reading",
    ),
    (
        "agate-excel/covid_19-iss.xlsx",
        {"sheet": "6", "cells": "A5:C5"},
        "Campania | 405667",
        "a file openpyxl cannot open",
    ),
    (
        "xlrd/apachepoi_52348.xlsx",
        {},
        "Filled #808080 (grey): B2:P3",
        "fills and 27 merged ranges as Apache POI's test says",
    ),
    ("xlrd/xf_class.xls", {"sheet": "table3"}, "Filled #FF0000 (red): A1", "the cell's text names its colour"),
    ("xlrd/reveng1.xlsx", {"sheet": "ZZZfirstsheet"}, "C28:C32 =B28+1", "formulas equal openpyxl's"),
    (
        "xlrd/test_comments_excel.xlsx",
        {"sheet": "Sheet2"},
        "Comments: C2 '1st line 2nd line'",
        "equals openpyxl's reading",
    ),
    ("pyexcel-xlsx/complex_hidden_sheets.xlsx", {}, "Hidden columns: B, D, F, H", "the hidden cells say that they are"),
    (
        "pyexcel-xls/hidden_sheets.xls",
        {},
        "2. 'hidden': A1:B1, 2 cells, hidden sheet",
        "the xlsx of the same book agrees",
    ),
    ("pyexcel-xls/complex-merged-cells-sheet.xls", {}, "10 merged", "the xlsx of the same book agrees"),
    ("pyexcel-xlsx/test8.xlsx", {}, "E1:E3 =ROUND(C1*D1/360*(B1-A1),2)", "values recalculated: 13.89, 33.33, 58.33"),
    (
        "pyexcel-ods3/ods_formats.ods",
        {"cells": "A2:C2"},
        "2014-11-11 | 11:12:12 | TRUE",
        "the project's own expectation",
    ),
    ("xlsx2csv/hyperlinks.xlsm", {}, "1. 'Sheet1': A1:E1, 5 cells", "equals openpyxl's reading"),
    ("vega/stocks.csv", {"cells": "A2:C2"}, "MSFT | Jan 1 2000 | 39.81", "the file's first line"),
]
ASKED = [
    (
        "agate-excel/ne_1033_data.xlsx",
        "SELECT county, sum(total_cost) FROM ne_data GROUP BY 1 ORDER BY 2 DESC LIMIT 1",
        "DOUGLAS | 4922442.54",
        "summed by openpyxl",
    ),
    ("xlrd/profiles.xls", "SELECT count(*) FROM profilelevels", "\n14\n", "15 rows less the names"),
    (
        "pyexcel-ods3/ods_formats.ods",
        "SELECT Date FROM sheet1 WHERE Boolean",
        "2014-11-11",
        "read_spreadsheet shows it",
    ),
    ("vega/airports.csv", "SELECT count(*) FROM airports WHERE state = 'AK'", "263", "counted by the csv module"),
]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    await asyncio.to_thread(_fill, folder / "workspaces" / "default")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tools(home: Path) -> AsyncIterator[dict[str, BaseTool]]:
    async with open_tools(await settings_with(home, "spreadsheet", "tools.servers.spreadsheet")) as box:
        yield {tool.name: tool for tool in await box.tools()}


@pytest.mark.parametrize(("name", "asked", "wanted", "check"), READ)
async def test_real_workbooks_are_read(
    tools: dict[str, BaseTool], name: str, asked: dict[str, str], wanted: str, check: str
) -> None:
    await noted(tools["read_spreadsheet"], {"path": name, **asked}, *_row(name), wanted, check)


@pytest.mark.parametrize(("name", "sql", "wanted", "check"), ASKED)
async def test_real_tables_are_queried(
    tools: dict[str, BaseTool], name: str, sql: str, wanted: str, check: str
) -> None:
    await noted(tools["query_spreadsheet"], {"path": name, "sql": sql}, *_row(name), wanted, check)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("read_spreadsheet", {"path": "../../../etc/passwd"}, "'../../../etc/passwd' is outside the workspace"),
        ("read_spreadsheet", {"path": "link.xlsx"}, "'link.xlsx' cannot be opened as a file of the workspace"),
        ("read_spreadsheet", {"path": "none.xlsx"}, "there is no file 'none.xlsx' in the workspace"),
        ("read_spreadsheet", {"path": "cut.xlsx"}, "the file is damaged: it cannot be read as a spreadsheet"),
        ("read_spreadsheet", {"path": "vega/airports.csv", "cells": "1x"}, "'1x' is no range of cells"),
        ("query_spreadsheet", {"path": "vega/airports.csv", "sql": "SELECT * FROM glob('/*')"}, "a query reads only"),
        (
            "query_spreadsheet",
            {"path": "vega/airports.csv", "sql": "SELECT statee FROM airports"},
            'Referenced column "st',
        ),
    ],
)
async def test_what_is_refused_is_one_error_and_the_next_call_works(
    tools: dict[str, BaseTool], tool: str, arguments: dict[str, str], message: str, home: Path
) -> None:
    with pytest.raises(ToolCallError) as raised:
        await tools[tool].ainvoke(arguments)
    assert str(raised.value).startswith(message)
    assert str(home) not in str(raised.value)
    assert "2 cells" in await tools["read_spreadsheet"].ainvoke({"path": "far.xlsx"})


def _row(name: str) -> tuple[str, str]:
    package, _, file = name.partition("/")
    return file, f"test data of {package}" if package != "vega" else "vega_datasets"


def _fill(workspace: Path) -> None:
    for name in {name for name, *_ in (*READ, *ASKED)}:
        path = books()[name] if name in books() else tables() / name.partition("/")[2]
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, workspace / name)
    (workspace / "vega").mkdir(exist_ok=True)
    (workspace / "link.xlsx").symlink_to("/etc/passwd")
    (workspace / "cut.xlsx").write_bytes(books()["xlrd/reveng1.xlsx"].read_bytes()[:3000])
    corner = "".join(f'<row r="{row}"><c r="{at}{row}"><v>1</v></c></row>' for at, row in (("A", 1), ("XFD", 1048576)))
    made(workspace / "far.xlsx", corner)
