"""The executor's loop: ask the model, run every tool call of its reply, answer them all in one turn, until it is done.

A dialect says how one kind of model is asked and answered; the loop is the same for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError, ToolServerError
from graph.events import Event
from graph.state import ModelCall, ToolCallRecord
from nodes.language_model import LanguageModel, model_call
from nodes.neutral import without_control_tokens
from nodes.prompts import shorten
from nodes.window import fit

FAILED = "FAILED:"


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool call a model asks for. `fault` says why it cannot be run, in words for the model."""

    id: str
    name: str
    arguments: dict[str, Any]
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply of the model: tool calls, or the result of the subtask, or neither and why."""

    message: AIMessage
    requests: tuple[ToolRequest, ...] = ()
    result: str = ""
    fault: str | None = None


class Dialect(Protocol):
    """How a kind of model takes tools and gives them back."""

    async def ask(self, model: LanguageModel, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        """Send the request and read the reply; the last one must be the result, whatever is missing."""
        ...

    def answer(self, requests: Sequence[ToolRequest], outcomes: Sequence[ToolCallRecord]) -> list[BaseMessage]:
        """The messages that tell the model what its calls gave, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a subtask."""

    status: Literal["done", "failed"]
    result: str
    tool_calls: list[ToolCallRecord]
    model_calls: list[ModelCall]


@dataclass(frozen=True, slots=True)
class Limits:
    """max_steps: model replies. context_tokens: size of one request. result_chars: what is kept of a tool result."""

    max_steps: int
    context_tokens: int
    result_chars: int


@dataclass(slots=True)
class ToolLoop:
    """One subtask's conversation between a model and its tools."""

    model: LanguageModel
    dialect: Dialect
    tools: Callable[[], Mapping[str, BaseTool]]
    limits: Limits
    subtask: int
    emit: Callable[[Event], None]
    records: list[ToolCallRecord] = field(default_factory=list)
    spent: list[ModelCall] = field(default_factory=list)

    async def run(self, request: Sequence[BaseMessage]) -> Outcome:
        """Carry out the subtask that `request` (system and user message) describes.

        Raises:
            ModelUnavailableError, ConfigurationError, AgentError: the model could not be asked.
        """
        history: list[BaseMessage] = []
        for step in range(1, self.limits.max_steps + 1):
            messages = fit(request, history, self.limits.context_tokens)
            turn = await self.dialect.ask(self.model, messages, last=step == self.limits.max_steps > 1)
            self.spent.append(model_call(turn.message, "executor", self.model))
            if turn.requests:
                outcomes = await asyncio.gather(*(self._call(each) for each in turn.requests))
                self.records.extend(outcomes)
                history += [turn.message, *self.dialect.answer(turn.requests, outcomes)]
            elif turn.result:
                return self._finish(turn.result)
            else:
                history += [
                    turn.message,
                    HumanMessage(turn.fault or "The reply was empty. Call a tool or give the result."),
                ]
        return self._end("failed", f"no result after {self.limits.max_steps} model replies")

    def _finish(self, result: str) -> Outcome:
        if result.upper().startswith(FAILED):
            return self._end("failed", result[len(FAILED) :].strip() or "the executor gave up without a reason")
        return self._end("done", result)

    def _end(self, status: Literal["done", "failed"], result: str) -> Outcome:
        return Outcome(status, result, self.records, self.spent)

    async def _call(self, request: ToolRequest) -> ToolCallRecord:
        self.emit(
            {"type": "tool_called", "subtask": self.subtask, "name": request.name, "arguments": request.arguments}
        )
        text, ok = await self._outcome(request)
        text = shorten(without_control_tokens(text), self.limits.result_chars)
        self.emit({"type": "tool_returned", "subtask": self.subtask, "name": request.name, "result": text, "ok": ok})
        return {"name": request.name, "arguments": request.arguments, "result": text, "ok": ok}

    async def _outcome(self, request: ToolRequest) -> tuple[str, bool]:
        tools = self.tools()
        tool = tools.get(request.name)
        if request.fault is not None:
            return request.fault, False
        if tool is None:
            return f"there is no tool {request.name!r}; the tools are: {', '.join(tools) or 'none'}", False
        try:
            return str(await tool.ainvoke(request.arguments)), True
        except (ToolCallError, ToolServerError) as error:
            return str(error), False
