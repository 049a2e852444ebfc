"""A question in three tasks, as rules for the loopback OpenAI server: two tool calls in one reply, a task that fails, a
replan, a final answer, a judge. The tools and the graph that carry it out are the real ones."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai_replies import JsonObject

QUESTION = "What is 48 times 37, plus 24, and half of 7?"
ANSWER = "1800 and 3.5"


def plan_reply(*descriptions: str) -> JsonObject:
    """A planner's reply: independent tasks, numbered from 1."""
    tasks = [{"id": each, "description": text, "depends_on": []} for each, text in enumerate(descriptions, 1)]
    return {"content": json.dumps({"plan": tasks})}


def tool_reply(*calls: tuple[str, dict[str, Any]]) -> JsonObject:
    return {"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in calls]}


def rules(slow: str = "", delay: float = 0.0) -> list[JsonObject]:
    """The script; a request that the regular expression `slow` fits waits `delay` seconds for its reply."""
    return [
        *(
            {**rule, "when": f"(?s)(?=.*{slow}){rule['when'].removeprefix('(?s)')}", "delay": delay}
            for rule in _rules()
            if slow
        ),
        *_rules(),
    ]


def _rules() -> list[JsonObject]:
    return [
        {"when": "(?s)^system: You judge", "reply": {"content": '{"verdict": "correct", "reason": "it adds up"}'}},
        {"when": "(?s)^system: You plan.*Result 4: 3.5", "reply": {"content": json.dumps({"final_answer": ANSWER})}},
        {"when": "(?s)^system: You plan.*Failed 3: ", "reply": plan_reply("Divide 7 by 2.")},
        {
            "when": "^system: You plan",
            "reply": plan_reply("Multiply 48 by 37.", "Add 1776 and 24; multiply 9 by 3.", "Divide 7 by 0."),
        },
        {"when": "(?s)^Subtask: Multiply.*^tool: 1776", "reply": {"content": "1776"}},
        {"when": "^Subtask: Multiply", "reply": tool_reply(("multiply", {"a": 48, "b": 37}))},
        {"when": "(?s)^Subtask: Add.*^tool: 1800.*^tool: 27", "reply": {"content": "1800; 27"}},
        {
            "when": "^Subtask: Add",
            "reply": tool_reply(("add", {"a": 1776, "b": 24}), ("multiply", {"a": 9, "b": 3})),
        },
        {"when": "(?s)^Subtask: Divide 7 by 0.*^tool: ", "reply": {"content": "FAILED: division by zero"}},
        {"when": "^Subtask: Divide 7 by 0", "reply": tool_reply(("divide", {"a": 7, "b": 0}))},
        {"when": "(?s)^Subtask: Divide 7 by 2.*^tool: 3.5", "reply": {"content": "3.5"}},
        {"when": "^Subtask: Divide 7 by 2", "reply": tool_reply(("divide", {"a": 7, "b": 2}))},
    ]
