"""Writes docs/tools.md from the rows that tests kept: `python -m tests.tool_page FOLDER`, see `make tool-table`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.fakes.tool_table import Row
from tests.project_files import ROOT

PAGE = ROOT / "docs" / "tools.md"
MARK = "<!-- below: written by `make tool-table` -->"
WIDEST = 160


def read_rows(folder: Path) -> list[Row]:
    """The rows of every process, each once, by server, tool and what was given."""
    lines = [line for path in sorted(folder.glob("rows-*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    rows = {(row.server, row.tool, row.given): row for row in (Row(**json.loads(line)) for line in lines)}
    return [rows[key] for key in sorted(rows)]


def tables(rows: Sequence[Row]) -> str:
    """A table for each server."""
    parts = [f"{len(rows)} calls, times as measured in that run with other tests beside it."]
    for server in dict.fromkeys(row.server for row in rows):
        own = [row for row in rows if row.server == server]
        parts.append(f"### {server}\n\n" + _table(own))
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[Row]) -> str:
    head = ["tool", "given", "from", "what came out", "check", "s"]
    body = [[row.tool, row.given, row.origin, row.gave, row.check, f"{row.seconds:.2f}"] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(_cell, cells)) + " |" for cells in lines)


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 1]}…"


def main(folder: Path) -> None:
    """Replace what stands below MARK."""
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE} has no line {MARK}"
    PAGE.write_text(f"{head}{MARK}\n\n{tables(read_rows(folder))}", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
