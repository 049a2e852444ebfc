"""Made-up questions of several parts, and what a model that needs no time replies to each request about them. Pure.

A question of three parts costs eight model calls and three tool calls: the plan, a tool call and its result for each
part, and the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

Said: TypeAlias = tuple[str, str]
"""Role in OpenAI's words, and text."""

START = date(2024, 1, 1)
PARTS_ASKED = re.compile(r"order (\d+) in (\d+) parts")
PART = re.compile(r"Subtask: Part (\d+) of order (\d+)")
RESULT = re.compile(r"^Result \d+: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call in a reply."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One question. `number` makes it different from every other."""

    number: int
    parts: int

    @property
    def question(self) -> str:
        return f"Work out order {self.number} in {self.parts} parts, and give the results in their order."

    @property
    def expected(self) -> str:
        return "; ".join(_result(part, self.number) for part in range(1, self.parts + 1))


def reply_to(messages: Sequence[Said], *, has_tools: bool, in_order: bool = False) -> str | Call:
    """What the model says.

    Args:
        messages: the request, system message first.
        has_tools: whether tools are offered: then the request is an executor's, else a planner's.
        in_order: whether the subtasks of a plan wait for each other.
    """
    role, text = messages[-1]
    if not has_tools:
        return _planned(text, in_order)
    if role == "tool":
        return text
    asked = PART.search(text, text.rindex("Subtask: "))  # earlier ones stand before it
    if asked is None:
        raise ValueError(f"no part of an order in: {text[-300:]}")
    return tool_call(int(asked[1]), int(asked[2]))


def tool_call(part: int, number: int) -> Call:
    """The call that works out one part: of a tool of each of the bundled servers in turn."""
    match part % 3:
        case 0:
            return Call("count_words", {"text": _words(part, number)})
        case 1:
            return Call("multiply", {"a": number, "b": part})
        case _:
            end = START + timedelta(days=number % 20_000 + part)
            return Call("days_between", {"start": START.isoformat(), "end": end.isoformat()})


def _planned(text: str, in_order: bool) -> str:
    task = text[text.rindex("Task: ") :]
    if results := RESULT.findall(task):
        return json.dumps({"final_answer": "; ".join(results)})
    asked = PARTS_ASKED.search(task)
    if asked is None:
        raise ValueError(f"no order in: {task[:300]}")
    number, parts = int(asked[1]), int(asked[2])
    waits = [{"depends_on": [part - 1] if in_order and part > 1 else []} for part in range(1, parts + 1)]
    steps = [
        {"id": part, "description": f"Part {part} of order {number}"} | waits[part - 1] for part in range(1, parts + 1)
    ]
    return json.dumps({"plan": steps})


def _result(part: int, number: int) -> str:
    match part % 3:
        case 0:
            return str(len(_words(part, number).split()))
        case 1:
            return str(number * part)
        case _:
            return str(number % 20_000 + part)


def _words(part: int, number: int) -> str:
    return " ".join(["word"] * (number % 17 + part))
