"""The executor's loop: ask the model, run every tool call of its reply, answer them all in one turn, until it is done.

A dialect says how one kind of model is asked and answered; the loop is the same for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError, ToolServerError
from graph.state import Budget, ModelCall, SubtaskStatus, ToolCallRecord
from nodes.approval import review_calls
from nodes.language_model import LanguageModel
from nodes.neutral import without_control_tokens
from nodes.outcomes import read_result, unfinished
from nodes.repetition import Repetition
from nodes.reply_ending import CUT_MARK, CUT_REASON, as_said, refusal_of, was_cut
from nodes.running import Reply, Running
from nodes.side_effects import begin_calls
from nodes.tool_choice import FIND
from nodes.tool_requests import ToolRequest
from nodes.whole_results import WholeResults
from nodes.window import fit


@dataclass(frozen=True, slots=True)
class Turn:
    """One reply of the model: tool calls, or the result of the subtask, or neither and why."""

    message: AIMessage
    spent: ModelCall
    requests: tuple[ToolRequest, ...] = ()
    result: str = ""
    fault: str | None = None


class Ask(Protocol):
    """Asks the executor's model, see `Running.ask`."""

    async def __call__(
        self,
        messages: Sequence[BaseMessage],
        *,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: str | None = None,
        schema: dict[str, Any] | None = None,
    ) -> Reply: ...


class Dialect(Protocol):
    """How a kind of model takes tools and gives them back."""

    async def ask(self, ask: Ask, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        """Send the request and read the reply; the last one must be the result, whatever is missing."""
        ...

    def answer(self, requests: Sequence[ToolRequest], outcomes: Sequence[ToolCallRecord]) -> list[BaseMessage]:
        """The messages that tell the model what its calls gave, in their order."""
        ...

    def advise(self, answers: Sequence[BaseMessage], advice: str) -> list[BaseMessage]:
        """The same messages with advice for the next turn."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a subtask. `budget` is the one that ended it; `stuck`: it went round in a circle."""

    status: SubtaskStatus
    result: str
    tool_calls: list[ToolCallRecord]
    model_calls: list[ModelCall]
    reason: str = ""
    budget: Budget | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """max_steps: model replies. context_tokens: size of one request."""

    max_steps: int
    context_tokens: int


@dataclass(slots=True)
class ToolLoop:
    """One subtask's conversation between a model and its tools.

    Every model reply and every tool call is a durable step; what is local and has no effect (FIND, reading on in a
    result) is done again when the subtask goes on after a crash.
    """

    running: Running
    model: LanguageModel
    dialect: Dialect
    tools: Callable[[], Mapping[str, BaseTool]]
    limits: Limits
    subtask: int
    results: WholeResults
    repetition: Repetition = field(default_factory=Repetition)
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
            turn = await self.dialect.ask(self._ask, messages, last=step == self.limits.max_steps > 1)
            self.spent.append(turn.spent)
            if (refusal := refusal_of(turn.message)) is not None:
                return self._end("failed", "", f"the model refused: {refusal}")
            if turn.requests:
                history += [turn.message, *await self._answers(turn)]
            elif turn.result:
                return self._finish(turn)
            else:
                fault = turn.fault or "The reply was empty. Call a tool or give the result."
                history += [as_said(turn.message), HumanMessage(fault)]
            if self.repetition.stuck is not None:
                return self._end(*unfinished(self.records, self.repetition.stuck))
        return self._end(*unfinished(self.records, f"no result after {self.limits.max_steps} model replies"))

    async def _ask(self, messages: Sequence[BaseMessage], **options: Any) -> Reply:
        return await self.running.ask("executor", self.model, messages, subtask=self.subtask, **options)

    async def _answers(self, turn: Turn) -> list[BaseMessage]:
        """Run the calls of a reply side by side, begun in their order; the messages that answer them."""
        tools = self.tools()
        reviewed = {name: tool for name, tool in tools.items() if not self._is_local(name)}
        requests = await review_calls(self.running, self.subtask, turn.requests, reviewed)
        requests = await begin_calls(self.running.steps, requests, tools, lambda each: self._is_local(each.name))
        outcomes = list(await asyncio.gather(*(self._call(each) for each in requests)))
        self.records.extend(outcomes)
        answers = self.dialect.answer(requests, outcomes)
        advice = self.repetition.note(outcomes)
        return self.dialect.advise(answers, advice) if advice is not None else answers

    def _finish(self, turn: Turn) -> Outcome:
        if was_cut(turn.message):
            return self._end("partial", f"{turn.result}\n{CUT_MARK}", CUT_REASON)
        return self._end(*read_result(turn.result))

    def _end(self, status: SubtaskStatus, result: str, reason: str = "") -> Outcome:
        stuck = self.repetition.stuck is not None
        return Outcome(status, result or reason, self.records, self.spent, reason, stuck=stuck)

    async def _call(self, request: ToolRequest) -> ToolCallRecord:
        if self._is_local(request.name):
            return await self._carried(request)
        kept = await self.running.steps.keep("tool", lambda: self._carried(request))
        if not kept.replayed:
            self._tell_returned(kept.value)
        return kept.value

    def _is_local(self, name: str) -> bool:
        return name == FIND or name in {tool.name for tool in self.results.tools()}

    def _tell_returned(self, record: ToolCallRecord) -> None:
        name, result, ok = record["name"], record["result"], record["ok"]
        self.running.emit(
            {"type": "tool_returned", "subtask": self.subtask, "id": record["id"], "name": name, "result": result,
             "ok": ok, "seconds": record["seconds"]}
        )  # fmt: skip

    async def _carried(self, request: ToolRequest) -> ToolCallRecord:
        name, arguments = request.name, request.arguments
        self.running.emit(
            {"type": "tool_called", "subtask": self.subtask, "id": request.id, "name": name, "arguments": arguments}
        )
        started, clock = time.time(), time.monotonic()
        text, ok = await self._outcome(request)
        text = await self.results.shown(without_control_tokens(text))
        seconds = time.monotonic() - clock
        return {
            "id": request.id,
            "name": name,
            "arguments": self.running.hide(arguments),
            "result": text,
            "ok": ok,
            "started_at": started,
            "seconds": seconds,
        }

    async def _outcome(self, request: ToolRequest) -> tuple[str, bool]:
        if request.fault is not None:
            return request.fault, False
        tools = self.tools()
        tool = tools.get(request.name)
        if tool is None:
            return f"there is no tool {request.name!r}; the tools are: {', '.join(tools) or 'none'}", False
        try:
            text = str(await tool.ainvoke(request.arguments))
            return f"{request.note}\n{text}" if request.note else text, True
        except (ToolCallError, ToolServerError) as error:
            return str(error), False
