"""The way into another thread's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tools.other_loop import OtherLoop


class Thread:
    """A thread with a loop, and the way into it."""

    def __init__(self) -> None:
        self.way_in: Future[OtherLoop] = Future()
        self.over: Future[None] = Future()
        self.thread = threading.Thread(target=asyncio.run, args=(self._main(),), daemon=True)
        self.thread.start()

    async def _main(self) -> None:
        self.way_in.set_result(OtherLoop())
        await asyncio.wrap_future(self.over)

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
        self.thread.join(10)


@pytest.fixture
def there() -> Iterator[Thread]:
    thread = Thread()
    yield thread
    thread.end()


async def test_results_and_errors_come_from_the_other_thread(there: Thread) -> None:
    way_in = await asyncio.wrap_future(there.way_in)

    async def where(fails: bool) -> int:
        await asyncio.sleep(0)
        if fails:
            raise KeyError("from there")
        return threading.get_ident()

    assert await way_in.awaited(where, False) == there.thread.ident
    with pytest.raises(KeyError, match="from there"):
        await way_in.awaited(where, True)


async def test_a_cancelled_caller_cancels_it_there_and_waits_for_its_end(there: Thread) -> None:
    way_in = await asyncio.wrap_future(there.way_in)
    begun, ended = threading.Event(), threading.Event()

    async def slow() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.set()

    call = asyncio.create_task(way_in.awaited(slow))
    await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended.is_set()


async def test_a_way_that_is_closed_ends_what_is_there_and_lets_nothing_in(there: Thread) -> None:
    way_in = await asyncio.wrap_future(there.way_in)
    begun = threading.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(60)

    async def close() -> None:
        way_in.close()

    call = asyncio.create_task(way_in.awaited(slow))
    await asyncio.to_thread(begun.wait, 10)
    for refused in (close, slow):  # the call that closes it is cancelled with the others
        with pytest.raises(RuntimeError, match="closed"):
            await way_in.awaited(refused)
    with pytest.raises(RuntimeError, match="closed"):
        await call
    await asyncio.to_thread(there.end)
    with pytest.raises(RuntimeError, match="closed"):
        await way_in.awaited(slow)
