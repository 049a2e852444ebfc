"""The runs that go on in this process, each with what its branches share."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from langgraph.runtime import Runtime

from configs.errors import ConfigurationError
from configs.prices import Prices
from configs.settings import Settings
from graph.context import Context, Knobs, resolve
from graph.events import Event
from graph.state import Spent, Task
from nodes.budgets import limits_of
from nodes.meter import Meter
from nodes.run_clock import RunClock
from nodes.running import Running, Shared
from nodes.steps import Settled, Steps
from nodes.token_count import TokenCounts
from nodes.tool_clock import ToolClock


async def at_once() -> None:
    """A checkpointer that does not say when it has stored what it was given."""


@dataclass(frozen=True, slots=True)
class RunsHere:
    """Implements `nodes.running.Runs`. Nothing in it is needed by another process: all of it follows from the state."""

    settings: Settings
    prices: Prices
    settled: Settled = at_once
    tokens: TokenCounts = field(default_factory=TokenCounts)
    _shared: WeakValueDictionary[str, Shared] = field(default_factory=WeakValueDictionary)

    def of(self, task: Task, spent: Spent, runtime: Runtime[Context]) -> Running:
        """The run that carries out `task`, of which `spent` is used up already."""
        knobs = resolve(runtime.context, self.settings)
        thread_id = (runtime.execution_info.thread_id if runtime.execution_info else None) or ""
        shared = self._shared_by(f"{thread_id}/{task['id']}", knobs, spent)
        at_work(shared.clock)
        emit = telling(runtime.stream_writer)
        return Running(thread_id, knobs, shared, Steps(self.settled), emit, self.tokens)

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

    def _shared_by(self, key: str, knobs: Knobs, spent: Spent) -> Shared:
        """What is shared with the nodes that are at work now; made anew from the state where none is."""
        shared = self._shared.get(key)
        if shared is None or shared.clock.nodes == 0:
            self.check(knobs)
            for call in spent["latest"]:
                self.tokens.learn(call["model"], call.get("counted_tokens", 0), call["input_tokens"])
            meter = Meter.starting_from(spent, limits_of(knobs), self.prices)
            clock = RunClock(knobs.max_seconds, spent["active"])
            tool_clock = ToolClock(knobs.max_tool_seconds, spent["tool_seconds"])
            shared = self._shared[key] = Shared(meter, clock, tool_clock, asyncio.Semaphore(knobs.parallelism))
        return shared


def at_work(clock: RunClock) -> None:
    """Count the node that calls this as at work until it ends: LangGraph gives each an asyncio task of its own."""
    clock.enter()
    node, watched = asyncio.current_task(), weakref.ref(clock)
    if node is not None:
        node.add_done_callback(lambda _: clock.leave() if (clock := watched()) is not None else None)


def telling(write: Callable[[Any], None]) -> Callable[[Event], None]:
    """Tell events with the time at which they happened, in seconds since 1970, as `at`."""

    def tell(event: Event) -> None:
        write({**event, "at": time.time()})

    return tell
