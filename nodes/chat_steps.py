"""What a run does as messages of its conversation, for chat interfaces, which show nothing else. Pure.

A chat interface shows tool calls where a message holds them, each followed by the tools' messages, and shows what waits
for approval below the last message where that is the agent's own. So the cases, the plan and every subtask become
messages of the agent. Their ids tell them apart from what was said: no later task reads them as conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from graph.state import ShownCase, Subtask, SubtaskResult

PREFIX = "step-"


def is_step(message: BaseMessage) -> bool:
    """Whether a message shows what was done rather than what was said; a client's own tool messages do so too."""
    return isinstance(message, ToolMessage) or str(message.id or "").startswith(PREFIX)


def cases_step(task_id: str, cases: Sequence[ShownCase]) -> AIMessage:
    """How many earlier cases the planner sees, and how they ended."""
    right = sum(case["reward"] == 1 for case in cases)
    found = f"{len(cases)} earlier {'case' if len(cases) == 1 else 'cases'} like this: {right} right"
    text = f"{found}, {len(cases) - right} wrong." if cases else "No earlier case is like this."
    return AIMessage(text, id=f"{PREFIX}{task_id}-cases")


def plan_step(task_id: str, cycle: int, plan: Sequence[Subtask]) -> AIMessage:
    """A round's plan as a list."""
    lines = [f"{each['id']}. {' '.join(each['description'].split())}" for each in plan]
    return AIMessage("\n".join(["Plan:", "", *lines]), id=f"{PREFIX}{task_id}-plan-{cycle}")


def subtask_steps(task_id: str, result: SubtaskResult) -> list[AIMessage | ToolMessage]:
    """A subtask's tool calls with what they gave, and its result."""
    name = f"{PREFIX}{task_id}-subtask-{result['id']}"
    short = f"call-{task_id[:8]}-{result['id']}"
    calls = [(f"{short}-{number}", call) for number, call in enumerate(result["tool_calls"], 1)]
    asked = AIMessage(
        f"Subtask {result['id']}: {result['description']}",
        id=f"{name}-calls",
        tool_calls=[tool_call(name=call["name"], args=call["arguments"], id=id_) for id_, call in calls],
    )
    given = [
        ToolMessage(
            legible(call["result"]),
            tool_call_id=id_,
            name=call["name"],
            id=f"{PREFIX}{task_id}-{id_}",
            status="success" if call["ok"] else "error",
        )
        for id_, call in calls
    ]
    ended = AIMessage(f"Subtask {result['id']} {result['status']}: {result['result']}", id=f"{name}-result")
    return [asked, *given, ended]


def legible(result: str) -> str:
    """A result that a chat interface shows: it lays out JSON as a table, and of a lone number that shows nothing."""
    try:
        value = json.loads(result)
    except ValueError:
        return result
    return result if isinstance(value, dict | list) else f"gave {result.strip()}"
