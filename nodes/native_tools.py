"""The dialect of models that take tool schemas and reply with tool calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool

from graph.state import ToolCallRecord
from nodes.reply_ending import CUT_CALL, was_cut
from nodes.tool_choice import ToolShelf, compact_schema
from nodes.tool_loop import Ask, Turn
from nodes.tool_requests import ToolRequest, read_calls

UNREADABLE = "the arguments are not valid JSON: one object, not nested deeply, its numbers finite and of 64 bits"


@dataclass(frozen=True, slots=True)
class NativeTools:
    """Offer the tools through the provider's own field, so that each schema is sent once and never in the prompt.

    `more`: tools that come up while the subtask goes on, see `WholeResults.tools`.
    """

    shelf: ToolShelf
    more: Callable[[], Sequence[BaseTool]] = tuple
    taken: set[str] = field(default_factory=set)

    def schemas(self) -> list[dict[str, Any]]:
        return [compact_schema(tool) for tool in (*self.shelf.offered, *self.more())]

    async def ask(self, ask: Ask, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        schemas = self.schemas()
        reply = await ask(messages, tools=schemas, tool_choice="none" if last and schemas else None)
        message = reply.message
        message, requests = read_calls(message, self.taken, CUT_CALL if was_cut(message) else UNREADABLE)
        return Turn(message, reply.call, requests, str(message.text).strip())

    def answer(self, requests: Sequence[ToolRequest], outcomes: Sequence[ToolCallRecord]) -> list[BaseMessage]:
        return [
            ToolMessage(
                outcome["result"],
                tool_call_id=request.id,
                name=request.name,
                status="success" if outcome["ok"] else "error",
            )
            for request, outcome in zip(requests, outcomes, strict=True)
        ]

    def remind(self, text: str) -> BaseMessage:
        return HumanMessage(text)

    def advise(self, answers: Sequence[BaseMessage], advice: str) -> list[BaseMessage]:
        return [*answers, HumanMessage(advice)]
