"""What the tools gave on real files, collected while the tests run and written into docs/tools.md when asked to."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = os.environ.get("MEMENTO_TOOL_TABLE")
"""Where rows are collected, one JSON line each, in a file per process; unset, they are not kept."""
_rows: list[Row] = []


@dataclass(frozen=True, slots=True)
class Row:
    """One call: the tool, what it was given (file and origin), what came out in short, seconds, and why it is right."""

    server: str
    tool: str
    given: str
    origin: str
    gave: str
    check: str
    seconds: float


def note(row: Row) -> None:
    """Keep a row; call it after the assertions that `check` speaks of."""
    _rows.append(row)


def write() -> None:
    """Write the rows of this process where FOLDER says so; once, at its end."""
    if FOLDER is None or not _rows:
        return
    path = Path(FOLDER) / f"rows-{os.getpid()}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in _rows]
    path.write_text("".join(lines), encoding="utf-8")
