"""Made-up tool calls, subtasks and their results."""

from __future__ import annotations

from typing import Any

from graph.state import Subtask, SubtaskResult, SubtaskStatus, ToolCallRecord


def call(name: str = "search", result: str = "r", *, ok: bool = True, **arguments: Any) -> ToolCallRecord:
    """`call("add", "3", a=1, b=2)`"""
    return {
        "id": "c",
        "name": name,
        "arguments": arguments,
        "result": result,
        "ok": ok,
        "started_at": 0.0,
        "seconds": 0.0,
    }


def planned(id_: int, description: str = "", depends_on: tuple[int, ...] = ()) -> Subtask:
    return {"id": id_, "description": description or f"do {id_}", "depends_on": list(depends_on)}


def gave(
    id_: int,
    result: str = "",
    status: SubtaskStatus = "done",
    *calls: ToolCallRecord,
    description: str = "",
    reason: str = "",
    stuck: bool = False,
    evidence: tuple[str, ...] = (),
) -> SubtaskResult:
    """What became of `planned(id_, description)`."""
    return {
        "id": id_,
        "description": description or f"do {id_}",
        "status": status,
        "result": result or reason,
        "reason": reason,
        "evidence": list(evidence),
        "stuck": stuck,
        "tool_calls": list(calls),
    }
