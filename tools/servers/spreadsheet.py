"""The MCP server `spreadsheet`: tables, read and queried. Run as `python -m tools.servers.spreadsheet`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from mcp.server.fastmcp import Context
from pydantic import Field

from tools.sandbox.jobs import JobLimits, run_job
from tools.servers.extras import need
from tools.servers.requests import progress_of, workspace_of
from tools.servers.serving import ServedTool, serve

LIMITS = JobLimits(seconds=60.0)
QUERY_LIMITS = JobLimits(seconds=100.0)
INSTRUCTIONS = "read_spreadsheet shows how sheets look (colours, formulas, hidden parts); query_spreadsheet calculates."
Path = Annotated[str, Field(description="a file of the workspace, such as data/table.xlsx")]


async def read_spreadsheet(
    context: Context[Any, Any, Any],
    path: Path,
    sheet: Annotated[str, Field(description="name or number of one sheet; empty: all")] = "",
    cells: Annotated[str, Field(description="a range such as A1:D20, B:C or 4:7; empty: all that is used")] = "",
) -> str:
    """Read an xlsx, xls, ods, csv or tsv file: every sheet, its values and formulas, fill and font colours, merged
    cells, hidden rows, columns and sheets, comments. Long sheets come in parts."""
    await asyncio.to_thread(_libraries, "openpyxl", "xlrd")
    return await _told(context, "tools.tables.spreadsheet_text:read", path, {"sheet": sheet, "cells": cells}, LIMITS)


async def query_spreadsheet(
    context: Context[Any, Any, Any],
    path: Path,
    sql: Annotated[str, Field(description="one SELECT (DuckDB); empty: list the tables and columns")] = "",
    header_row: Annotated[int, Field(description="row of the column names; 0: there is none; -1: find it", ge=-1)] = -1,
) -> str:
    """Run SQL over a spreadsheet, csv, tsv or parquet file; each sheet is a table. Call it without sql first to see
    the names of tables and columns. For counts, sums, filters and joins over many rows."""
    await asyncio.to_thread(_libraries, "duckdb", "openpyxl", "xlrd")
    header = header_row if header_row >= 0 else None
    return await _told(context, "tools.tables.sql:query", path, {"sql": sql, "header": header}, QUERY_LIMITS)


async def _told(
    context: Context[Any, Any, Any], function: str, path: str, arguments: dict[str, Any], limits: JobLimits
) -> str:
    opened = workspace_of(context).open(path)
    file = await asyncio.to_thread(opened.__enter__)
    try:
        given = {"name": path.rpartition("/")[2], **arguments}
        async with run_job(function, {"file": file}, given, limits, progress_of(context)) as result:
            return str(result.value)
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)


def _libraries(*modules: str) -> None:
    for module in modules:
        need(module, "spreadsheet")


TOOLS = (ServedTool(read_spreadsheet, seconds=90), ServedTool(query_spreadsheet, seconds=120))

if __name__ == "__main__":
    serve("spreadsheet", TOOLS, INSTRUCTIONS)
