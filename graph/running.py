"""The runs that go on in this process, each with what its branches share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from weakref import WeakValueDictionary

from langgraph.runtime import Runtime

from configs.settings import Settings
from graph.context import Context, resolve
from graph.state import Spent, Task
from graph.telling import RunName, Teller
from nodes.meter import Meter
from nodes.request_size import RequestSize
from nodes.running import Running, Shared
from nodes.steps import Steps
from nodes.token_count import TokenCounts


async def at_once(thread_id: str) -> None:
    """A checkpointer that does not say when it has stored what it was given."""


@dataclass(frozen=True, slots=True)
class RunsHere:
    """Implements `nodes.running.Runs`. Nothing in it is needed by another process: all of it follows from the state."""

    settings: Settings
    settled: Callable[[str], Awaitable[None]] = at_once
    teller: Teller = field(default_factory=Teller)
    counts: TokenCounts = field(default_factory=TokenCounts)
    _shared: WeakValueDictionary[str, Shared] = field(default_factory=WeakValueDictionary)

    def of(self, task: Task, spent: Spent, runtime: Runtime[Context]) -> Running:
        """The run that carries out `task`, of which `spent` is used up already."""
        knobs = resolve(runtime.context, self.settings)
        knobs = knobs.model_copy(update={"approval": task.get("approval", knobs.approval)})
        thread_id = (runtime.execution_info.thread_id if runtime.execution_info else None) or ""
        key = f"{thread_id}/{task['id']}"
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = Shared(Meter.starting_from(spent), asyncio.Semaphore(knobs.parallelism))
        emit = self.teller.telling(RunName(thread_id, task["id"]), runtime.stream_writer)
        steps = Steps(partial(self.settled, thread_id))
        size = RequestSize(self.settings.context_tokens, self.counts, (task["question"],))
        return Running(thread_id, knobs, shared, steps, emit, self.teller.mask.known_in, size)
