"""One line for each older tool call."""

from __future__ import annotations

from typing import Any

import pytest

from graph.state import ToolCallRecord
from nodes.tool_memory import RESULT_CHARS, memory_line, memory_text, to_keep
from nodes.whole_results import READ, result_id

SHORTENED = f'{"a" * 66}\n[... 900 characters left out; {READ}("r0123456789", 66) reads on ...]\n{"b" * 300}'
LONG = "c" * (RESULT_CHARS + 1)


def record(result: str, name: str = "look", ok: bool = True, **arguments: Any) -> ToolCallRecord:
    return {
        "id": "1", "name": name, "arguments": arguments, "result": result, "ok": ok, "started_at": 0.0, "seconds": 0.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (record("1776", a=48, b=37), 'look({"a": 48, "b": 37}) gave: 1776'),
        (record("no such\n town", ok=False), "look({}) failed: no such town"),
        (record(SHORTENED), f"""; {READ}("r0123456789", 0) reads all of it"""),
        (record(LONG), f"""look({{}}) gave: {"c" * RESULT_CHARS}...; {READ}("{result_id(LONG)}", 0) reads all of it"""),
        (record(LONG, READ, id="rabcdefabcd", offset=5), f"""; {READ}("rabcdefabcd", 0) reads all of it"""),
    ],
)
def test_a_line_says_what_was_done_what_it_gave_and_how_to_read_all_of_it(call: ToolCallRecord, line: str) -> None:
    assert memory_line(call).endswith(line)


def test_a_line_is_one_line_and_bounded() -> None:
    line = memory_line(record("x\ny" * 100_000, text="z\n" * 100_000))
    assert "\n" not in line
    assert len(line) < 500


def test_what_a_line_cuts_and_nothing_else_must_be_kept() -> None:
    assert to_keep([record("short"), record(SHORTENED), record(LONG), record(LONG, READ)]) == [LONG]


def test_of_a_long_memory_the_oldest_are_counted() -> None:
    text = memory_text([f"line {number}" for number in range(100)], 50)
    assert "(and before them 94 more)\nline 94\n" in text
    assert "line 99\n</tool_memory>" in text
    assert "before them" not in memory_text(["one"], 0)
