"""The executor's loop: ask the model, run every tool call of its reply, answer them all in one turn, until it is done.

A dialect says how one kind of model is asked and answered; the loop is the same for all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import BaseTool

from configs.errors import BudgetReachedError, ToolCallError, ToolServerError
from graph.state import Budget, ModelCall, SubtaskStatus, ToolCallRecord
from nodes.approval import review_calls
from nodes.budgets import UNITS, reached_by
from nodes.language_model import LanguageModel
from nodes.neutral import without_control_tokens
from nodes.outcomes import read_result, unfinished
from nodes.prompts import shorten
from nodes.repetition import Repetition
from nodes.reply_ending import CUT_MARK, CUT_REASON, as_said, refusal_of, was_cut
from nodes.running import Reply, Running
from nodes.side_effects import begin_calls
from nodes.tool_choice import FIND
from nodes.tool_config import tool_config
from nodes.tool_memory import to_keep
from nodes.tool_requests import ToolRequest, unknown_tool
from nodes.whole_results import READ, WholeResults
from nodes.window import Exchange, fit

_logger = logging.getLogger(__name__)
LOCAL = frozenset({FIND, READ})
"""Tools of our own without an effect: no steps, done again when the subtask goes on after a crash."""
NO_TIME = "not finished: the run's budget of {} is used up; give the result as far as it is known"
NOT_MADE = "not made: the run's budget of {} is used up; give the result as far as it is known"
CUT_CHARS = 800
"""Kept of a result that a budget cut short; the planner must still be able to read it within the budget."""
CALLS_AT_ONCE = 8
"""Of one subtask; the other calls of a reply wait their turn."""


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

    def schemas(self) -> list[dict[str, Any]]:
        """The tool schemas that the next request carries beside its messages."""
        ...

    async def ask(self, ask: Ask, messages: Sequence[BaseMessage], *, last: bool) -> Turn:
        """Send the request and read the reply; the last one must be the result, whatever is missing."""
        ...

    def answer(self, requests: Sequence[ToolRequest], outcomes: Sequence[ToolCallRecord]) -> list[BaseMessage]:
        """The messages that tell the model what its calls gave, in their order."""
        ...

    def advise(self, answers: Sequence[BaseMessage], advice: str) -> list[BaseMessage]:
        """The same messages with advice for the next turn."""
        ...

    def remind(self, text: str) -> BaseMessage:
        """The message that tells the model what its older calls were."""
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
    """max_steps: model replies. essential: what a request that must be cut keeps, beside the question."""

    max_steps: int
    essential: Sequence[str] = ()


@dataclass(slots=True)
class ToolLoop:
    """One subtask's conversation between a model and its tools.

    Every model reply is a durable step, and so is every tool call that is not LOCAL. `history` holds every exchange as
    it was; what no longer fits into a request is told in short, see `nodes.window`.
    """

    running: Running
    model: LanguageModel
    dialect: Dialect
    tools: Callable[[], Mapping[str, BaseTool]]
    limits: Limits
    subtask: int
    results: WholeResults
    task_id: str
    repetition: Repetition = field(default_factory=Repetition)
    ended: Budget | None = None
    records: list[ToolCallRecord] = field(default_factory=list)
    spent: list[ModelCall] = field(default_factory=list)
    history: list[Exchange] = field(default_factory=list)
    remembered: int = 0
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    async def run(self, request: Sequence[BaseMessage]) -> Outcome:
        """Carry out the subtask that `request` (system and user message) describes.

        Raises:
            ModelUnavailableError, ConfigurationError, AgentError: the model could not be asked.
        """
        try:
            return await self._turns(request)
        except BudgetReachedError as reached:
            return cut_off(self.records, reached)

    async def _turns(self, request: Sequence[BaseMessage]) -> Outcome:
        await self.results.notice("\n".join(str(message.text) for message in request))
        for step in range(1, self.limits.max_steps + 1):
            messages = await self._fitting(request)
            last = step == self.limits.max_steps > 1 or self.ended is not None
            turn = await self.dialect.ask(self._ask, messages, last=last)
            self.spent.append(turn.spent)
            if self.ended is not None:
                raise BudgetReachedError(self.ended, turn.result)
            if (refusal := refusal_of(turn.message)) is not None:
                return self._end("failed", "", f"the model refused: {refusal}")
            if turn.requests:
                self.history.append(await self._answered(turn))
            elif turn.result:
                return self._finish(turn)
            else:
                fault = turn.fault or "The reply was empty. Call a tool or give the result."
                self.history.append(Exchange([as_said(turn.message), HumanMessage(fault)]))
            if self.repetition.stuck is not None:
                return self._end(*unfinished(self.records, self.repetition.stuck))
        return self._end(*unfinished(self.records, f"no result after {self.limits.max_steps} model replies"))

    async def _ask(self, messages: Sequence[BaseMessage], **options: Any) -> Reply:
        return await self.running.ask("executor", self.model, messages, subtask=self.subtask, **options)

    async def _fitting(self, request: Sequence[BaseMessage]) -> list[BaseMessage]:
        """The request with as much of the history as fits; what is only remembered can be read on."""
        room = self.running.size.room(self.model.name, self.dialect.schemas())
        essential = (*self.running.size.essential, *self.limits.essential)
        fitted = fit(request, self.history, room, self.dialect.remind, essential)
        for text in to_keep(fitted.remembered[self.remembered :]):
            await self.results.keep(text)
        self.remembered = max(self.remembered, len(fitted.remembered))
        return fitted.messages

    async def _answered(self, turn: Turn) -> Exchange:
        """Run the calls of a reply side by side, begun in their order, and answer them."""
        tools = self.tools()
        reviewed = {name: tool for name, tool in tools.items() if name not in LOCAL}
        requests = await review_calls(self.running, self.subtask, turn.requests, reviewed)
        requests = await begin_calls(self.running.steps, requests, tools, lambda each: each.name in LOCAL)
        outcomes = list(await asyncio.gather(*(self._call(each) for each in requests)))
        self.records.extend(outcomes)
        self.ended = reached_by(outcomes)
        if self.ended is not None and self.ended != "tool_seconds":
            raise BudgetReachedError(self.ended)
        answers = self.dialect.answer(requests, outcomes)
        advice = self.repetition.note(outcomes)
        told = self.dialect.advise(answers, advice) if advice is not None else answers
        return Exchange([turn.message, *told], outcomes)

    def _finish(self, turn: Turn) -> Outcome:
        if was_cut(turn.message):
            return self._end("partial", f"{turn.result}\n{CUT_MARK}", CUT_REASON)
        return self._end(*read_result(turn.result))

    def _end(self, status: SubtaskStatus, result: str, reason: str = "") -> Outcome:
        stuck = self.repetition.stuck is not None
        return Outcome(status, result or reason, self.records, self.spent, reason, stuck=stuck)

    async def _call(self, request: ToolRequest) -> ToolCallRecord:
        if request.name in LOCAL:
            record = await self._carried(request)
            self._tell_returned(record)
            return record
        kept = await self.running.steps.keep("tool", lambda: self._carried(request))
        if kept.replayed:
            self.running.shared.took(kept.value)
            await self.results.notice(kept.value["result"])
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
        async with self.places:
            return await self._recorded(request)

    async def _recorded(self, request: ToolRequest) -> ToolCallRecord:
        name, arguments = request.name, request.arguments
        self.running.emit(
            {"type": "tool_called", "subtask": self.subtask, "id": request.id, "name": name, "arguments": arguments}
        )
        started, clock = time.time(), time.monotonic()
        text, ok, budget = await self._outcome(request)
        if name != READ:
            text = await self.results.shown(without_control_tokens(text))
        seconds = time.monotonic() - clock
        record: ToolCallRecord = {
            "id": request.id,
            "name": name,
            "arguments": self.running.hide(arguments),
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
            return unknown_tool(request.name, list(tools)), False, None
        if (ended := self.running.shared.meter.ended) is not None:
            return NOT_MADE.format(UNITS[ended]), False, ended
        try:
            config = tool_config(self.running, self.task_id, self.subtask, request)
            text = str(await self.running.tool(lambda: tool.ainvoke(request.arguments, config)))
            return f"{request.note}\n{text}" if request.note else text, True, None
        except (ToolCallError, ToolServerError) as error:
            return str(error), False, None
        except BudgetReachedError as reached:
            return NO_TIME.format(UNITS[reached.budget]), False, reached.budget
        except Exception as error:  # boundary of a tool call
            _logger.exception("a call of %s failed", request.name)
            return f"{request.name} failed: {type(error).__name__}", False, None


def cut_off(records: Sequence[ToolCallRecord], reached: BudgetReachedError) -> Outcome:
    """What is left of a subtask that a budget ended: what the model said last, else what its tools gave."""
    given = [f"{call['name']}: {call['result']}" for call in records if call["ok"]]
    result = shorten(reached.said.strip() or "\n".join(given), CUT_CHARS)
    reason = f"the run's budget of {UNITS[reached.budget]} was used up"
    told = [f"{call['name']} was {call['result'].partition(':')[0]}" for call in records if "budget" in call]
    reason = "; ".join([reason, *told])
    status: SubtaskStatus = "partial" if result else "failed"
    return Outcome(status, result or reason, list(records), [], reason, reached.budget)
