"""Tool memory: what a subtask's older tool calls were and gave, one line each, once they no longer fit as they are.

The paper's executor keeps its calls in a memory it consults (arXiv 2508.16153, section 4.2); here it is what compaction
leaves of a turn, with a way to read the whole result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from graph.state import ToolCallRecord
from nodes.prompts import fence
from nodes.whole_results import READ, result_id, whole_id

ARGUMENT_CHARS = 120
RESULT_CHARS = 200
HEAD = "Your earlier tool calls, in short:"


def memory_text(lines: Sequence[str], limit: int) -> str:
    """The memory of some calls as data; of more than `limit` characters the oldest are counted only.

    Args:
        lines: as `memory_line` makes them, oldest first.
        limit: in characters; the last line stays whatever it says.
    """
    first, left = len(lines), limit
    while first > 0 and (first == len(lines) or len(lines[first - 1]) < left):
        first -= 1
        left -= len(lines[first]) + 1
    counted = [f"(and before them {first} more)"] if first else []
    return f"{HEAD}\n{fence('tool_memory', chr(10).join([*counted, *lines[first:]]))}"


def memory_line(call: ToolCallRecord) -> str:
    """One call: name, arguments and result in short, and how to read all of a result that says more."""
    arguments = _short(json.dumps(call["arguments"], ensure_ascii=False, default=str), ARGUMENT_CHARS)
    result = _short(call["result"], RESULT_CHARS)
    line = f"{call['name']}({arguments}) {'gave' if call['ok'] else 'failed'}: {result}"
    own = read_on_id(call)
    return f'{line}; {READ}("{own}", 0) reads all of it' if own is not None else line


def read_on_id(call: ToolCallRecord) -> str | None:
    """The id under which all of a call's result is to be found; None where its line says all there is."""
    if call["name"] == READ:  # a part of what is kept already
        own = call["arguments"].get("id")
        return own if isinstance(own, str) and call["ok"] else None
    if len(call["result"]) <= RESULT_CHARS:
        return None
    return whole_id(call["result"]) or result_id(call["result"])


def to_keep(calls: Sequence[ToolCallRecord]) -> list[str]:
    """The results that are kept nowhere yet and that a line of the memory does not hold."""
    return [
        call["result"]
        for call in calls
        if call["name"] != READ and len(call["result"]) > RESULT_CHARS and whole_id(call["result"]) is None
    ]


def _short(text: str, limit: int) -> str:
    plain = " ".join(text[: limit * 4].split())
    return plain if len(plain) <= limit and len(text) <= limit * 4 else f"{plain[:limit]}..."
