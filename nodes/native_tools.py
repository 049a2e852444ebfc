"""The dialect of models that take tool schemas and reply with tool calls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from graph.state import ToolCallRecord
from nodes.reply_ending import CUT_CALL, was_cut
from nodes.tool_choice import ToolShelf, compact_schema
from nodes.tool_loop import Ask, Turn
from nodes.tool_requests import ToolRequest, answerable

UNREADABLE = "the arguments are not valid JSON: one object, not nested deeply, its numbers finite and of 64 bits"


@dataclass(frozen=True, slots=True)
class NativeTools:
    """Offer the tools through the provider's own field, so that each schema is sent once and never in the prompt."""

    shelf: ToolShelf

    async def ask(self, ask: Ask, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        schemas = [compact_schema(tool) for tool in self.shelf.offered]
        reply = await ask(messages, tools=schemas, tool_choice="none" if last and schemas else None)
        message = reply.message
        requests = [
            ToolRequest(call["id"] or uuid.uuid4().hex, call["name"], call["args"]) for call in message.tool_calls
        ]
        fault = CUT_CALL if was_cut(message) else UNREADABLE
        requests += [
            ToolRequest(bad["id"] or uuid.uuid4().hex, bad["name"] or "", {}, fault)
            for bad in message.invalid_tool_calls
        ]
        return Turn(message, reply.call, tuple(answerable(requests)), str(message.text).strip())

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

    def advise(self, answers: Sequence[BaseMessage], advice: str) -> list[BaseMessage]:
        return [*answers, HumanMessage(advice)]
