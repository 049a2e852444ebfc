"""An event loop in a thread of its own, so that the main thread can always be interrupted and cancels in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Self, TypeVar, cast

from cli.interrupts import Interrupted

T = TypeVar("T")


class Background:
    """A context manager; on leaving, what still runs is cancelled and waited for."""

    def __init__(self) -> None:
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._main, name="memento-loop")

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it to its end.

        Raises:
            Interrupted: after Ctrl-C, once the cancelled coroutine has ended.
        """
        return self._finish(*self._start(coroutine))

    @contextmanager
    def hold(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Keep an async context manager open; one task enters and leaves it."""
        loop = self._started.result()[0]
        opened: Future[T] = Future()
        release = asyncio.Event()

        async def keep() -> None:
            async with manager as value:
                opened.set_result(value)
                await release.wait()

        task, done = self._start(keep())
        try:
            wait({cast(Future[Any], opened), cast(Future[Any], done)}, return_when="FIRST_COMPLETED")
            if done.done():
                done.result()
            yield opened.result()
        finally:
            loop.call_soon_threadsafe(release.set)
            self._finish(task, done)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        loop, stop = self._started.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()

    def _main(self) -> None:
        asyncio.run(self._serve())  # cancels what is left, then ends the threads of to_thread

    async def _serve(self) -> None:
        stop = asyncio.Event()
        self._started.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()

    def _start(self, coroutine: Coroutine[Any, Any, T]) -> tuple[Future[asyncio.Task[T]], Future[T]]:
        started: Future[asyncio.Task[T]] = Future()
        done: Future[T] = Future()

        def start() -> None:
            task = asyncio.get_running_loop().create_task(coroutine)
            task.add_done_callback(lambda ended: _transfer(ended, done))
            started.set_result(task)

        self._started.result()[0].call_soon_threadsafe(start)
        return started, done

    def _finish(self, started: Future[asyncio.Task[T]], done: Future[T]) -> T:
        try:
            return done.result()
        except Interrupted:
            self._started.result()[0].call_soon_threadsafe(started.result().cancel)
            wait([done])
            raise


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run one coroutine in an event loop of its own.

    Raises:
        Interrupted: as for `Background.call`.
    """
    with Background() as background:
        return background.call(coroutine)


def _transfer(ended: asyncio.Task[T], done: Future[T]) -> None:
    if ended.cancelled():
        done.cancel()
        done.set_running_or_notify_cancel()
    elif (error := ended.exception()) is not None:
        done.set_exception(error)
    else:
        done.set_result(ended.result())
