"""The runs that go on in this process, each with what its branches share."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID
from weakref import WeakValueDictionary

from langchain_core.callbacks import BaseCallbackManager
from langgraph.config import get_config
from langgraph.runtime import Runtime

from configs.errors import ConfigurationError
from configs.prices import Prices
from configs.settings import Settings
from graph.context import Context, Knobs, resolve
from graph.finished_beside import finished_beside, kept_calls
from graph.state import Spent, Task
from graph.telling import RunName, Teller
from nodes.budgets import limits_of
from nodes.meter import Meter
from nodes.request_size import RequestSize
from nodes.run_clock import RunClock
from nodes.running import Missed, Running, Shared
from nodes.steps import Steps
from nodes.token_count import TokenCounts
from nodes.tool_clock import ToolClock


async def at_once(thread_id: str, token: str) -> None:
    """Where nothing is kept, nothing is waited for."""


@dataclass(frozen=True, slots=True)
class RunsHere:
    """Implements `nodes.running.Runs`. Nothing in it is needed by another process: all of it follows from the state."""

    settings: Settings
    prices: Prices
    settled: Callable[[str, str], Awaitable[None]] = at_once
    teller: Teller = field(default_factory=Teller)
    counts: TokenCounts = field(default_factory=TokenCounts)
    _shared: WeakValueDictionary[str, Shared] = field(default_factory=WeakValueDictionary)

    def of(self, task: Task, spent: Spent, runtime: Runtime[Context]) -> Running:
        """The run that carries out `task`, of which `spent` is used up already."""
        knobs = resolve(runtime.context, self.settings)
        knobs = knobs.model_copy(update={"approval": task.get("approval", knobs.approval)})
        thread_id = (runtime.execution_info.thread_id if runtime.execution_info else None) or ""
        checkpoint_id = runtime.execution_info.checkpoint_id if runtime.execution_info else ""
        missed = partial(finished_beside, get_config(), checkpoint_id)
        kept = partial(kept_calls, get_config(), checkpoint_id)
        shared = self._shared_by(f"{thread_id}/{task['id']}", knobs, spent, missed)
        at_work(shared.clock)
        emit = self.teller.telling(RunName(thread_id, task["id"]), runtime.stream_writer, _own_run())
        steps = Steps(partial(self.settled, thread_id))
        size = RequestSize(self.settings.context_tokens, self.counts, (task["question"],))
        return Running(thread_id, knobs, shared, steps, emit, self.teller.mask.known_in, size, kept)

    def check(self, knobs: Knobs) -> None:
        """See that a run with these knobs can be started.

        Raises:
            ConfigurationError: a budget of dollars, and a model whose price is not known.
        """
        if knobs.max_cost_usd is None:
            return
        models = dict.fromkeys([knobs.planner_model, knobs.executor_model, knobs.judge_model])
        unknown = [model for model in models if model != "none" and self.prices.of(model) is None]
        if unknown:
            raise ConfigurationError(
                f"max_cost_usd: the price of {' and '.join(unknown)} is not known; add it to {self.prices.own_file}"
            )

    def _shared_by(self, key: str, knobs: Knobs, spent: Spent, missed: Missed) -> Shared:
        """What is shared with the nodes that are at work now; made anew from the state where none is."""
        shared = self._shared.get(key)
        if shared is None or shared.clock.nodes == 0:
            self.check(knobs)
            for call in spent["latest"]:
                self.counts.learn(call["model"], call.get("counted_tokens", 0), call["input_tokens"])
            meter = Meter.starting_from(spent, limits_of(knobs), self.prices)
            clock = RunClock(knobs.max_seconds, spent["active"])
            tool_clock = ToolClock(knobs.max_tool_seconds, spent["tool_seconds"])
            gate = asyncio.Semaphore(knobs.parallelism)
            bounded = meter.limits or clock.limit or tool_clock.limit
            shared = Shared(meter, clock, tool_clock, gate, missed=missed if bounded else None)
            self._shared[key] = shared
        return shared


def at_work(clock: RunClock) -> None:
    """Count the node that calls this as at work until it ends: LangGraph gives each an asyncio task of its own."""
    clock.enter()
    node, watched = asyncio.current_task(), weakref.ref(clock)
    if node is not None:
        node.add_done_callback(lambda _: clock.leave() if (clock := watched()) is not None else None)


def _own_run() -> UUID | None:
    """The id under which callbacks know the running node; None outside of one."""
    try:
        callbacks = get_config().get("callbacks")
    except RuntimeError:
        return None
    return callbacks.parent_run_id if isinstance(callbacks, BaseCallbackManager) else None
