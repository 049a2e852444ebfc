"""The executor's loop: ask the model, run every tool call of its reply, answer them all in one turn, until it is done.

A dialect says how one kind of model is asked and answered; the loop is the same for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from configs.errors import BudgetReachedError, ToolCallError, ToolServerError
from graph.state import Budget, ModelCall, SubtaskStatus, ToolCallRecord
from nodes.approval import review_calls
from nodes.budgets import UNITS, reached_by
from nodes.language_model import LanguageModel
from nodes.neutral import without_control_tokens
from nodes.prompts import shorten
from nodes.repetition import Repetition
from nodes.running import Reply, Running
from nodes.tool_choice import FIND
from nodes.tool_requests import ToolRequest
from nodes.whole_results import WholeResults
from nodes.window import fit

FAILED = "FAILED:"
NO_TIME = "not finished: the run's budget of {} is used up; give the result as far as it is known"
CUT_CHARS = 800
"""Kept of a result that a budget cut short; the planner must still be able to read it within the budget."""


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a subtask. `budget` is the one that ended it."""

    status: SubtaskStatus
    result: str
    tool_calls: list[ToolCallRecord]
    model_calls: list[ModelCall]
    reason: str = ""
    budget: Budget | None = None


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
    ended: Budget | None = None
    records: list[ToolCallRecord] = field(default_factory=list)
    spent: list[ModelCall] = field(default_factory=list)

    async def run(self, request: Sequence[BaseMessage]) -> Outcome:
        """Carry out the subtask that `request` (system and user message) describes.

        Raises:
            ModelUnavailableError, ConfigurationError, AgentError: the model could not be asked.
        """
        try:
            return await self._turns(request)
        except BudgetReachedError as reached:
            return replace(cut_off(self.records, reached), model_calls=self.spent)

    async def _turns(self, request: Sequence[BaseMessage]) -> Outcome:
        history: list[BaseMessage] = []
        for step in range(1, self.limits.max_steps + 1):
            messages = fit(request, history, self.limits.context_tokens)
            last = step == self.limits.max_steps > 1 or self.ended is not None
            turn = await self.dialect.ask(self._ask, messages, last=last)
            self.spent.append(turn.spent)
            if self.ended is not None:
                raise BudgetReachedError(self.ended, turn.result)
            if turn.requests:
                history += [turn.message, *await self._answers(turn)]
            elif turn.result:
                return self._finish(turn.result)
            else:
                fault = turn.fault or "The reply was empty. Call a tool or give the result."
                history += [turn.message, HumanMessage(fault)]
            if self.repetition.stuck is not None:
                return self._end("failed", "", self.repetition.stuck)
        return self._end("failed", "", f"no result after {self.limits.max_steps} model replies")

    async def _ask(self, messages: Sequence[BaseMessage], **options: Any) -> Reply:
        return await self.running.ask("executor", self.model, messages, subtask=self.subtask, **options)

    async def _answers(self, turn: Turn) -> list[BaseMessage]:
        """Run the calls of a reply side by side, begun in their order; the messages that answer them."""
        requests = review_calls(self.running, self.subtask, turn.requests, self.tools())
        outcomes = list(await asyncio.gather(*(self._call(each) for each in requests)))
        self.records.extend(outcomes)
        self.ended = reached_by(outcomes)
        if self.ended is not None and self.ended != "tool_seconds":
            raise BudgetReachedError(self.ended)
        answers = self.dialect.answer(requests, outcomes)
        advice = self.repetition.note(outcomes)
        return [*answers, HumanMessage(advice)] if advice is not None else answers

    def _finish(self, result: str) -> Outcome:
        if result.upper().startswith(FAILED):
            return self._end("failed", "", result[len(FAILED) :].strip() or "the executor gave up without a reason")
        return self._end("done", result)

    def _end(self, status: SubtaskStatus, result: str, reason: str = "") -> Outcome:
        return Outcome(status, result or reason, self.records, self.spent, reason)

    async def _call(self, request: ToolRequest) -> ToolCallRecord:
        if request.name == FIND or request.name in {tool.name for tool in self.results.tools()}:
            return await self._carried(request)
        kept = await self.running.steps.keep("tool", lambda: self._carried(request))
        if kept.replayed:
            self.running.took(kept.value)
        else:
            self._tell_returned(kept.value)
        return kept.value

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
        text, ok, budget = await self._outcome(request)
        text = await self.results.shown(without_control_tokens(text))
        seconds = time.monotonic() - clock
        record: ToolCallRecord = {
            "id": request.id,
            "name": name,
            "arguments": arguments,
            "result": text,
            "ok": ok,
            "started_at": started,
            "seconds": seconds,
        }
        if budget is not None:
            record["budget"] = budget
        return record

    async def _outcome(self, request: ToolRequest) -> tuple[str, bool, Budget | None]:
        """What the model reads, whether the call succeeded, and the budget that ended it or kept it from starting."""
        if request.fault is not None:
            return request.fault, False, None
        tools = self.tools()
        tool = tools.get(request.name)
        if tool is None:
            return f"there is no tool {request.name!r}; the tools are: {', '.join(tools) or 'none'}", False, None
        try:
            return str(await self.running.tool(lambda: tool.ainvoke(request.arguments))), True, None
        except (ToolCallError, ToolServerError) as error:
            return str(error), False, None
        except BudgetReachedError as reached:
            return NO_TIME.format(UNITS[reached.budget]), False, reached.budget


def cut_off(records: Sequence[ToolCallRecord], reached: BudgetReachedError) -> Outcome:
    """What is left of a subtask that a budget ended: what the model said last, else what its tools gave."""
    given = [f"{call['name']}: {call['result']}" for call in records if call["ok"]]
    result = shorten(reached.said.strip() or "\n".join(given), CUT_CHARS)
    reason = f"the run's budget of {UNITS[reached.budget]} was used up"
    status: SubtaskStatus = "partial" if result else "failed"
    return Outcome(status, result or reason, list(records), [], reason, reached.budget)
