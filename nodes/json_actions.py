"""The dialect of models without tool calling: each reply is one JSON object, a tool call or the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from graph.state import ToolCallRecord
from nodes.planner_reply import json_objects
from nodes.reply_ending import CUT_CALL, was_cut
from nodes.tool_choice import summary
from nodes.tool_loop import Ask, Turn
from nodes.tool_requests import MAX_NAME, ToolRequest

RESULT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"result": {"type": "string"}},
    "required": ["result"],
    "additionalProperties": False,
}
REPLY = "Reply:"
"""Where the model goes on: a small one continues the text, and so imitates the examples above it."""
FORM = 'Reply with one JSON object: {"tool": NAME, "arguments": {...}} or {"result": TEXT}.'


@dataclass(frozen=True, slots=True)
class JsonActions:
    """List the tools in the prompt, one line each, and read one action from each reply.

    `more`: tools that come up while the subtask goes on, see `WholeResults.tools`.
    """

    tools: Sequence[BaseTool]
    more: Callable[[], Sequence[BaseTool]] = tuple
    taken: list[str] = field(default_factory=list)

    def schemas(self) -> list[dict[str, Any]]:
        return []

    async def ask(self, ask: Ask, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        reply = await ask(messages, schema=RESULT_SCHEMA if last else action_schema((*self.tools, *self.more())))
        message = reply.message
        for found in json_objects(str(message.text)):
            if isinstance(found.get("tool"), str):
                return Turn(message, reply.call, (self._request(found["tool"], found.get("arguments")),))
            if "result" in found:
                value = found["result"]
                return Turn(
                    message,
                    reply.call,
                    result=value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
                )
        return Turn(message, reply.call, fault=f"{CUT_CALL}. {FORM}" if was_cut(message) else FORM)

    def answer(self, requests: Sequence[ToolRequest], outcomes: Sequence[ToolCallRecord]) -> list[BaseMessage]:
        return [
            HumanMessage(f"{'Tool result' if outcome['ok'] else 'Tool error'}: {outcome['result']}\n{REPLY}")
            for outcome in outcomes
        ]

    def advise(self, answers: Sequence[BaseMessage], advice: str) -> list[BaseMessage]:
        """The advice stands in the last message, so that it still ends where the model goes on."""
        *before, last = answers
        return [*before, HumanMessage(f"{str(last.text).removesuffix(REPLY)}{advice}\n{REPLY}")]

    def remind(self, text: str) -> BaseMessage:
        return HumanMessage(f"{text}\n{REPLY}")

    def _request(self, name: str, arguments: Any) -> ToolRequest:
        self.taken.append(f"action-{len(self.taken) + 1}")
        if isinstance(arguments, dict):
            return ToolRequest(self.taken[-1], name[:MAX_NAME], arguments)
        return ToolRequest(self.taken[-1], name[:MAX_NAME], {}, '"arguments" must be a JSON object')


def tool_lines(tools: Sequence[BaseTool]) -> str:
    """The tools as a model without tool calling reads them: `name(argument, ...): what it does`, one a line."""
    return "\n".join(_tool_line(tool) for tool in tools)


def action_schema(tools: Sequence[BaseTool]) -> dict[str, Any]:
    """A JSON schema that takes one call of one of the tools, or a result."""
    return {"anyOf": [*(_call_schema(tool) for tool in tools), RESULT_SCHEMA]}


def _tool_line(tool: BaseTool) -> str:
    function = convert_to_openai_tool(tool)["function"]
    arguments = ", ".join(function["parameters"].get("properties", {}))
    return f"{tool.name}({arguments}): {summary(tool)}"


def _call_schema(tool: BaseTool) -> dict[str, Any]:
    parameters = convert_to_openai_tool(tool)["function"]["parameters"]
    return {
        "type": "object",
        "properties": {"tool": {"const": tool.name}, "arguments": {**parameters, "additionalProperties": False}},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }
