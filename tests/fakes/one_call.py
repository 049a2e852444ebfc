"""A question in one task with one tool call, as rules for the loopback OpenAI server: the answer is what the call gave,
also where a person changed it. Any plan whose task begins with Multiply does; one that begins with Wait calls a tool
that starts a process and never answers.
"""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.scenario import plan_reply, tool_reply

PLAN = "Multiply 48 by 37."
VALUES = ("1776", "100")


def rules() -> list[dict[str, Any]]:
    """One task with one call; the answer says what the call gave."""
    answers = [
        {
            "when": f"(?s)^system: You plan.*Result [12]: {value}",
            "reply": {"content": json.dumps({"final_answer": value})},
        }
        for value in VALUES
    ]
    results = [{"when": f"(?s)^Subtask: Multiply.*^tool: .*{value}", "reply": {"content": value}} for value in VALUES]
    refused = {"when": "(?s)^Subtask: Multiply.*rejected this call: too dear", "reply": {"content": "FAILED: refused"}}
    gave_up = {"when": "(?s)^system: You plan.*refused", "reply": {"content": json.dumps({"final_answer": "nothing"})}}
    return [
        *answers,
        gave_up,
        {"when": "(?s)^system: You plan.*wait for it", "reply": plan_reply("Wait.")},
        {"when": "^Subtask: Wait", "reply": tool_reply(("wait_child", {}))},
        {"when": "^system: You plan", "reply": plan_reply(PLAN)},
        *results,
        refused,
        {"when": "^Subtask: Multiply", "reply": tool_reply(("multiply", {"a": 48, "b": 37}))},
    ]
