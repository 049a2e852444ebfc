"""Awaiting in the event loop of another thread: a task there and one wake-up each way.

anyio's BlockingPortal does the same for every kind of loop, at three times the cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")
CLOSED = "the loop is closed"


class OtherLoop:
    """The way into the loop that runs where this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def awaited(self, function: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        """What a coroutine function gives there. A caller that is cancelled cancels it, and goes on when it has ended.

        Raises:
            RuntimeError: the way in is closed, or was closed meanwhile. What the function raises comes as it is.
        """
        crossing: Crossing[T] = Crossing()
        with suppress(RuntimeError):  # the loop is closed, and so is the way in
            self._loop.call_soon_threadsafe(self._begin, crossing, function, arguments)
        if self._closed:  # asked after it was sent: what was sent before the end is begun or refused there
            raise RuntimeError(CLOSED)
        try:
            return await crossing.outcome
        except asyncio.CancelledError:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(crossing.cancel)
            with anyio.CancelScope(shield=True):
                await crossing.ended.wait()
            raise

    def close(self) -> None:
        """Let nothing in any more and cancel what is there. To be called in that loop."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    def _begin(
        self, crossing: Crossing[T], function: Callable[..., Coroutine[Any, Any, T]], arguments: tuple[Any, ...]
    ) -> None:
        if self._closed:
            crossing.tell(None)
            return
        crossing.task = task = self._loop.create_task(function(*arguments))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(crossing.tell)


class Crossing(Generic[T]):
    """One call, made in the caller's loop, where `outcome` is awaited and `ended` is set when the task is over."""

    __slots__ = ("_here", "ended", "outcome", "task")

    def __init__(self) -> None:
        self._here = asyncio.get_running_loop()
        self.outcome: asyncio.Future[T] = self._here.create_future()
        self.ended = asyncio.Event()
        self.task: asyncio.Task[T] | None = None

    def cancel(self) -> None:
        """In the other loop: cancel the task. It was begun before, or refused."""
        if self.task is not None:
            self.task.cancel()

    def tell(self, task: asyncio.Task[T] | None) -> None:
        """In the other loop: pass on how the task ended; None was not begun."""
        error = RuntimeError(CLOSED) if task is None or task.cancelled() else task.exception()
        with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
            self._here.call_soon_threadsafe(self._settle, task, error)

    def _settle(self, task: asyncio.Task[T] | None, error: BaseException | None) -> None:
        self.ended.set()
        if self.outcome.done():
            return
        if error is not None:
            self.outcome.set_exception(error)
        elif task is not None:
            self.outcome.set_result(task.result())
