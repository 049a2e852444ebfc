"""docs/failures.md names tests that exist."""

from __future__ import annotations

import ast
import re

import pytest

from tests.project_files import ROOT, python_files, tree_of

NAMED = re.compile(r"`(test_\w+)`")
ROWS = [
    line
    for line in (ROOT / "docs" / "failures.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|") and not re.match(r"\| (fault|error) \||\|--|\| `\w+Error`", line)
]


def _tests() -> set[str]:
    trees = [tree_of(path) for path in python_files() if path.name.startswith("test_")]
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_there_are_rows() -> None:
    assert len(ROWS) > 25


@pytest.mark.parametrize("row", ROWS, ids=[row[2:40] for row in ROWS])
def test_each_row_has_an_outcome_and_a_test_that_exists(row: str) -> None:
    fault, outcome, *_ = (cell.strip() for cell in row.strip("|").split(" | "))
    named = NAMED.findall(row)
    assert fault and outcome and named
    assert set(named) <= _tests()
