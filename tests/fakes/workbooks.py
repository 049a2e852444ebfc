"""Workbooks that nobody here wrote: the test files of published readers of spreadsheets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.fakes.real_files import sdist, wheel

SOURCES = (
    ("agate-excel", "0.4.2"),
    ("pyexcel-ods3", "0.6.1"),
    ("pyexcel-xls", "0.7.1"),
    ("pyexcel-xlsx", "0.6.1"),
    ("xlrd", "1.2.0"),
    ("xlsx2csv", "0.8.6"),
)
ENDINGS = (".ods", ".xls", ".xlsm", ".xlsx")


@cache
def books() -> dict[str, Path]:
    """Every workbook, by `PACKAGE/NAME`."""
    found: dict[str, Path] = {}
    for package, version in SOURCES:
        for path in sorted(sdist(package, version).rglob("*")):
            if path.suffix in ENDINGS:
                found[f"{package}/{path.name}"] = path
    return found


@cache
def tables() -> Path:
    """The folder with the csv files of vega_datasets."""
    return wheel("vega_datasets", "0.9.0") / "vega_datasets" / "_data"
