"""What a node has of the run it works for: its knobs, its meter, its durable steps, and who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.runtime import Runtime

from configs.errors import BudgetReachedError, MementoError
from graph.context import Context, Knobs
from graph.events import Event
from graph.state import Budget, ModelCall, Role, Spent, SubtaskResult, Task, ToolCallRecord
from nodes.asking import Asked, Question, ask_once
from nodes.budgets import limit_of, reached_by
from nodes.language_model import LanguageModel
from nodes.meter import Meter
from nodes.request_size import RequestSize
from nodes.run_clock import RunClock
from nodes.steps import Steps
from nodes.tool_clock import ToolClock

Place: TypeAlias = tuple[str, str]
"""A branch's round, by its checkpoint, and its own id in it."""
Missed: TypeAlias = Callable[[], Awaitable[tuple[list[ModelCall], list[SubtaskResult]]]]
KeptCalls: TypeAlias = Callable[[int], Awaitable[list[ModelCall]]]
Emit = Callable[[Event], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply and what it cost."""

    message: AIMessage
    call: ModelCall


@dataclass(slots=True, weakref_slot=True)
class Shared:
    """What the branches of one run share in this process; follows from the state while none of them is at work.

    `gate` is taken by a subtask while it is carried out; as many at once as `parallelism` says. `waiting` is where a
    branch stands that waits for a person. `missed` tells what branches of this round used up that were finished before
    it was taken up here; only where a budget needs it, and only once.
    """

    meter: Meter
    clock: RunClock
    tool_clock: ToolClock
    gate: asyncio.Semaphore
    waiting: Place | None = None
    missed: Missed | None = None
    _catching_up: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def catch_up(self) -> None:
        """Count what is known to the round's checkpoint alone."""
        async with self._catching_up:
            if self.missed is None:
                return
            missed, self.missed = self.missed, None
            calls, results = await missed()
        for call in calls:
            self.meter.count(call)
            self.clock.add(call["started_at"], call["seconds"])
        for record in [record for result in results for record in result["tool_calls"]]:
            self.took(record)
        if (budget := reached_by(results)) is not None:
            self.meter.end(budget)

    def took(self, record: ToolCallRecord) -> None:
        """Count a tool call that was made before this process took up the run."""
        self.clock.add(record["started_at"], record["seconds"])
        self.tool_clock.used += record["seconds"]


async def none_kept(subtask: int) -> list[ModelCall]:
    """Where nothing is kept, no branch goes on."""
    return []


@dataclass(frozen=True, slots=True)
class Running:
    """One run as one of its nodes sees it.

    Attributes:
        thread_id: of the conversation; empty where nothing keeps one.
        knobs: the caller's, filled up from the settings.
        shared: with the run's other branches.
        emit: tells an event to whoever listens to the run.
        hide: takes this process's secrets out of a JSON value that is kept.
        size: what one request may hold.
        kept_calls: the model calls that the steps of a subtask kept before its branch was taken up again.
        calls: every reply the node got, also those that were of no use.
    """

    thread_id: str
    knobs: Knobs
    shared: Shared
    steps: Steps
    emit: Emit
    hide: Callable[[Any], Any] = lambda value: value
    size: RequestSize = field(default_factory=RequestSize)
    kept_calls: KeptCalls = none_kept
    calls: list[ModelCall] = field(default_factory=list)

    async def recover(self, subtask: int) -> None:
        """Count the calls of a subtask's steps that cannot be gone through again, since no time is left to."""
        for call in await self.kept_calls(subtask):
            self.calls.append(call)
            self.shared.meter.count(call)
            self.shared.clock.add(call["started_at"], call["seconds"])

    async def ask(
        self,
        role: Role,
        model: LanguageModel,
        messages: Sequence[BaseMessage],
        *,
        subtask: int | None = None,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: str | None = None,
        schema: dict[str, Any] | None = None,
        check: Callable[[AIMessage], object] | None = None,
        last: bool = False,
    ) -> Reply:
        """Ask a model, as one durable step of the node. Arguments and exceptions as `LanguageModel.reply`.

        Args:
            check: called with the reply; what it raises ends the node, and a reply it refused is asked for again.
            last: the run's answer or what follows it: nothing need be kept back for it.

        Raises:
            BudgetReachedError: a budget has no room for the call, or cut it short.
        """
        question = Question(role, model, messages, subtask, tools, tool_choice, schema, last)
        while True:
            kept = await self.steps.keep("model", lambda: ask_once(question, self.shared, self.size, self.emit))
            ends = not last and role != "judge"
            reply = self._taken(kept.value, replayed=kept.replayed, ends=ends)
            try:
                if check is not None:
                    check(reply.message)
            except MementoError:
                if not kept.replayed:
                    raise
            else:
                return reply

    async def tool(self, call: Callable[[], Awaitable[T]]) -> T:
        """What a tool call gives, within the budgets of time. It is no step of its own.

        Raises:
            BudgetReachedError: it did not start, or was ended.
        """
        meter, clock = self.shared.meter, self.shared.clock
        if meter.ended is not None:
            raise BudgetReachedError(meter.ended)
        try:
            return await self.shared.tool_clock.run(call, clock.left(meter.answer_seconds()))
        except BudgetReachedError as reached:
            self.end(reached.budget)
            raise

    async def in_time(self, work: Awaitable[T]) -> T:
        """Wait for what is neither model nor tool, such as the start of the tool servers.

        Raises:
            BudgetReachedError: the run's time is over.
        """
        try:
            async with asyncio.timeout(self.shared.clock.left(self.shared.meter.answer_seconds())) as timeout:
                return await work
        except TimeoutError:
            if not timeout.expired():
                raise
            self.end("seconds")
            raise BudgetReachedError("seconds") from None

    def end(self, budget: Budget) -> None:
        """A budget has been reached: no new work starts. Told once."""
        if self.shared.meter.end(budget):
            limit = limit_of(self.knobs, budget)
            self.emit({"type": "budget_reached", "budget": budget, "spent": self._spent(budget, limit), "limit": limit})

    @asynccontextmanager
    async def branch(self) -> AsyncIterator[None]:
        """Carry out a subtask, once there is room among those side by side."""
        await self.shared.catch_up()
        async with self.shared.gate:
            self.shared.meter.branches += 1
            try:
                yield
            finally:
                self.shared.meter.branches -= 1

    def _taken(self, asked: Asked, *, replayed: bool, ends: bool) -> Reply:
        """Count what a step gave. Where a budget left no room for it, the run's work ends, if it `ends` with it."""
        call, budget = asked["call"], asked["budget"]
        if call is not None:
            self.calls.append(call)
            self.shared.meter.count(call)
            if replayed:
                self.shared.clock.add(call["started_at"], call["seconds"])
        if budget is not None:
            if replayed and ends:
                self.shared.meter.end(budget)
            elif ends:
                self.end(budget)
            raise BudgetReachedError(budget, str(asked["message"].text) if asked["message"] is not None else "")
        if asked["message"] is None or call is None:
            raise AssertionError("a call that no budget ended has a reply")
        return Reply(asked["message"], call)

    def _spent(self, budget: Budget, limit: float) -> float:
        if budget == "seconds":
            return self.shared.clock.seconds()
        return self.shared.tool_clock.used if budget == "tool_seconds" else self.shared.meter.spent.get(budget, limit)


class Runs(Protocol):
    """Where nodes get what they have of their run."""

    def of(self, task: Task, spent: Spent, runtime: Runtime[Context]) -> Running:
        """The run that carries out `task`, of which `spent` is used up already."""
        ...

    def check(self, knobs: Knobs) -> None:
        """See that a run with these knobs can be started.

        Raises:
            ConfigurationError: a budget of dollars, and a model whose price is not known.
        """
        ...
