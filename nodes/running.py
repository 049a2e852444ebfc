"""What a node has of the run it works for: its knobs, its meter, its durable steps, and who listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.runtime import Runtime

from configs.errors import MementoError
from graph.context import Context, Knobs
from graph.events import Event
from graph.state import ModelCall, Role, Spent, Task
from nodes.language_model import HALVED, LanguageModel, model_call
from nodes.meter import Meter
from nodes.request_size import RequestSize
from nodes.steps import Steps

Place: TypeAlias = tuple[str, str]
"""A branch's round, by its checkpoint, and its own id in it."""
Emit = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's reply and what it cost."""

    message: AIMessage
    call: ModelCall


@dataclass(slots=True, weakref_slot=True)
class Shared:
    """What the branches of one run share in this process; follows from the state while none of them is at work.

    `gate` is taken by a subtask while it is carried out; as many at once as `parallelism` says. `waiting` is where a
    branch stands that waits for a person.
    """

    meter: Meter
    gate: asyncio.Semaphore
    waiting: Place | None = None


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
    """

    thread_id: str
    knobs: Knobs
    shared: Shared
    steps: Steps
    emit: Emit
    hide: Callable[[Any], Any] = lambda value: value
    size: RequestSize = field(default_factory=RequestSize)

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
    ) -> Reply:
        """Ask a model, as one durable step of the node. Arguments and exceptions as `LanguageModel.reply`.

        Args:
            check: called with the reply; what it raises ends the node, and a reply it refused is asked for again.
        """

        async def work() -> dict[str, Any]:
            sent = self.size.bounded(model.name, messages, tools)
            started, clock = time.time(), time.monotonic()
            try:
                message = await model.reply(sent, tools=tools, tool_choice=tool_choice, schema=schema)
            except MementoError as error:
                self._tell_failed(role, model, subtask, started, error)
                raise
            call = model_call(message, role, model, subtask, started, time.monotonic() - clock)
            times = 2 if message.response_metadata.get(HALVED) else 1
            self.size.learn(model.name, sent, tools, call["input_tokens"] * times)
            self.emit({"type": "model_called", **call, "at": time.time()})
            if check is not None:
                check(message)
            return {"message": message, "call": call}

        kept = (await self.steps.keep("model", work)).value
        self.shared.meter.count(kept["call"])
        return Reply(kept["message"], kept["call"])

    def _tell_failed(
        self, role: Role, model: LanguageModel, subtask: int | None, started: float, error: MementoError
    ) -> None:
        self.emit(
            {"type": "model_failed", "role": role, "model": model.name, "subtask": subtask, "started_at": started,
             "seconds": time.time() - started, "error": f"{type(error).__name__}: {error}"}
        )  # fmt: skip


class Runs(Protocol):
    """Where nodes get what they have of their run."""

    def of(self, task: Task, spent: Spent, runtime: Runtime[Context]) -> Running:
        """The run that carries out `task`, of which `spent` is used up already."""
        ...
