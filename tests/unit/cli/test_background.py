"""The event loop beside the main thread: results, errors, and what Ctrl-C does to a running coroutine."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from cli import interrupts
from cli.background import Background, run
from cli.interrupts import Interrupted, Interrupts


@pytest.fixture
def handlers() -> Iterator[Interrupts]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    made = Interrupts()
    made.install()
    yield made
    made.settle()
    for number, handler in before:
        signal.signal(number, handler)


def press(number: signal.Signals, after: float) -> None:
    threading.Timer(after, os.kill, [os.getpid(), number]).start()


async def value() -> int:
    return 7


async def fail() -> None:
    raise LookupError("no")


def test_run_returns_what_the_coroutine_returns_and_raises_what_it_raises() -> None:
    assert run(value()) == 7
    with pytest.raises(LookupError, match="no"):
        run(fail())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_cancels_the_coroutine_once_and_lets_it_clean_up(
    number: signal.Signals, handlers: Interrupts
) -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)  # cleaning up may await
            told.append("cleaned up")

    press(number, 0.2)
    started = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        run(work())
    assert told == ["cleaned up"] and caught.value.number == number
    assert time.monotonic() - started < 5


def test_the_loop_can_be_used_again_after_an_interrupt(handlers: Interrupts) -> None:
    with Background() as background:
        press(signal.SIGINT, 0.1)
        with pytest.raises(Interrupted):
            background.call(asyncio.sleep(60))
        handlers.settle()
        assert background.call(value()) == 7


def test_a_held_context_manager_is_entered_and_left_by_one_task() -> None:
    tasks: list[asyncio.Task[None] | None] = []

    @asynccontextmanager
    async def resource() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield "open"
        tasks.append(asyncio.current_task())

    with Background() as background, background.hold(resource()) as held:
        assert held == "open"
        assert background.call(value()) == 7
    assert len(tasks) == 2 and tasks[0] is tasks[1]


def test_a_context_manager_that_cannot_open_says_why() -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[str]:
        raise LookupError("locked")
        yield ""

    with Background() as background, pytest.raises(LookupError, match="locked"), background.hold(broken()):
        pass


def test_a_second_signal_right_after_the_first_is_the_first_again(handlers: Interrupts) -> None:
    with pytest.raises(Interrupted):
        handlers._handle(signal.SIGINT, None)
    handlers._handle(signal.SIGINT, None)


def test_the_second_press_says_the_last_words_and_ends_the_process(
    handlers: Interrupts, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(os, "_exit", told.append)
    monkeypatch.setattr(interrupts, "SAME_PRESS", -1.0)
    handlers.last_words = lambda: told.append("resume it")
    with pytest.raises(Interrupted):
        handlers._handle(signal.SIGINT, None)
    handlers._handle(signal.SIGINT, None)
    assert told == ["resume it", 130]


def test_what_does_not_stop_is_ended_after_the_grace(handlers: Interrupts, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    monkeypatch.setattr(interrupts, "GRACE", 0.05)
    with pytest.raises(Interrupted):
        handlers._handle(signal.SIGTERM, None)
    assert ended.wait(5)
