"""docs/failures.md and docs/hostile-input.md name tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.project_files import ROOT, python_files, tree_of

PAGES = ("failures.md", "hostile-input.md")
NAMED = re.compile(r"`(?:(test_\w+)\.py::)?(test_\w+)`")
"""A test, with or without its file."""
OTHER_LINES = re.compile(r"\| (fault|error|input) \||\|--|\| `\w+Error`")


def _rows(page: str) -> list[str]:
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("|") and not OTHER_LINES.match(line)]


ROWS = [row for page in PAGES for row in _rows(page)]


def _tests() -> dict[str, set[str]]:
    """The names of the tests of each file."""
    found: dict[str, set[str]] = {}
    for path in python_files():
        if path.name.startswith("test_"):
            nodes = ast.walk(tree_of(path))
            names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            found.setdefault(path.stem, set()).update(names)
    return found


@pytest.fixture(scope="module")
def tests() -> dict[str, set[str]]:
    return _tests()


@pytest.mark.parametrize("page", PAGES)
def test_there_are_rows(page: str) -> None:
    assert len(_rows(page)) > 25


@pytest.mark.parametrize("row", ROWS, ids=[row[2:40] for row in ROWS])
def test_each_row_has_an_outcome_and_a_test_that_exists(row: str, tests: dict[str, set[str]]) -> None:
    fault, outcome, *_ = (cell.strip() for cell in row.strip("|").split(" | "))
    named = NAMED.findall(row)
    assert fault and outcome and named
    for file, name in named:
        known = tests.get(file, set()) if file else set().union(*tests.values())
        assert name in known, f"{file}::{name}"
