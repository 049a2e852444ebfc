"""Durable steps inside a node: what a step gave is kept at once and not done again when the node runs again.

A node runs again after a crash, and after an interrupt was answered. Each step is a LangGraph task of the node, known
by its place in the order in which the node's steps were begun. So a node that uses steps
- begins the same steps in the same order, given the same results; steps side by side are begun in one `gather`, each
  as the first thing its coroutine awaits;
- does nothing between steps that must not be done twice;
- lets an exception of a step end it: a failed step is done again, and what followed it would not fit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast, get_args

from langgraph.config import get_config
from langgraph.func import task

T = TypeVar("T")
StepName = Literal["model", "tool", "begin", "review"]
Settled = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """What a step gave. `replayed`: it was done before, by an earlier run of the node."""

    value: T
    replayed: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one node.

    `settled` waits until everything this run gave to its checkpointer is stored. A server's checkpointer cannot tell,
    so it is asked for the step whose result, a list, holds the given token; without a token it is not waited for.
    """

    settled: Settled

    async def keep(
        self, name: StepName, work: Callable[[], Awaitable[T]], *, wait: bool = True, token: str = ""
    ) -> Kept[T]:
        """Do the work, or take what it gave before; returns once the result is stored.

        Args:
            name: what traces call the step.
            work: gives plain JSON values or messages; its result is kept in the checkpoint.
            wait: False: the result is on its way to the checkpoint when this returns.
            token: a text in the result, see `settled`.
        """
        done = False

        async def once() -> T:
            nonlocal done
            done = True
            return await work()

        if get_config().get("max_concurrency"):  # a node that waits for its own step would hold the place it needs
            return Kept(await once(), replayed=False)
        value = cast(T, await _TASKS[name](once))
        if done and wait:
            await self.settled(token)
        return Kept(value, replayed=not done)


def _task(name: StepName) -> Any:
    """A LangGraph task of its own for each kind of step: its place and its function's name are what it is known by."""

    async def step(work: Callable[[], Awaitable[Any]]) -> Any:
        return await work()

    step.__name__ = name
    return task(step)


_TASKS = {name: _task(name) for name in get_args(StepName)}
