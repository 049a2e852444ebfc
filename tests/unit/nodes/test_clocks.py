"""The budgets of time: a run's own, which stands still while the run does, and that of its tools."""

from __future__ import annotations

import asyncio
import time

import pytest

from configs.errors import BudgetReachedError
from graph.state import merge_stretches
from nodes.run_clock import RunClock
from nodes.tool_clock import ToolClock


def test_stretches_are_united_and_short_pauses_taken_in() -> None:
    assert merge_stretches([[0, 5], [20, 30]], [[4, 8], [8.5, 9]]) == [[0, 9], [20, 30]]
    once = merge_stretches([[20, 30]], [[0, 5]])
    assert merge_stretches(once, [[0, 5]]) == once == [[0, 5], [20, 30]]
    assert merge_stretches([], []) == []


def test_a_run_is_not_charged_for_the_time_it_lay_still() -> None:
    now = time.time()
    clock = RunClock(10, [[now - 1000, now - 998], [now - 500, now - 497]])
    assert clock.seconds() == pytest.approx(5)
    clock.add(now - 498, 3)
    assert clock.seconds() == pytest.approx(7)
    clock.enter()
    clock.enter()
    time.sleep(0.05)
    assert 7.05 <= clock.seconds() < 7.5
    clock.leave()
    clock.leave()
    stopped = clock.seconds()
    time.sleep(0.02)
    assert clock.seconds() == stopped


def test_time_is_kept_for_the_answer() -> None:
    now = time.time()
    clock = RunClock(100, [[now - 60, now - 10]])
    assert clock.left(None) == pytest.approx(50 - 0.15)
    assert clock.left(0) == pytest.approx(50 - 0.15 - 0.25)
    assert clock.left(4) == pytest.approx(50 - 0.15 - 4)
    assert clock.left(90) == pytest.approx(50 - 0.15 - 25)
    assert RunClock(None, []).left(None) is None


async def test_tools_side_by_side_use_up_the_budget_together() -> None:
    clock = ToolClock(0.3, 0.0)
    begun = time.monotonic()
    ended = await asyncio.gather(
        clock.run(lambda: asyncio.sleep(60), None),
        clock.run(lambda: asyncio.sleep(60), None),
        clock.run(lambda: asyncio.sleep(0.05, "done"), None),
        return_exceptions=True,
    )
    took = time.monotonic() - begun
    assert ended[2] == "done"
    assert [each.budget for each in ended[:2] if isinstance(each, BudgetReachedError)] == ["tool_seconds"] * 2
    assert 0.1 <= took < 0.3  # three at once for the first 0.05 s, then two
    assert clock.used == pytest.approx(0.3, abs=0.05)
    with pytest.raises(BudgetReachedError, match="tool_seconds"):
        await clock.run(lambda: asyncio.sleep(0), None)


async def test_a_tool_ends_with_the_runs_own_time() -> None:
    clock = ToolClock(60, 0.0)
    with pytest.raises(BudgetReachedError) as ended:
        await clock.run(lambda: asyncio.sleep(60), 0.05)
    assert ended.value.budget == "seconds"
    with pytest.raises(BudgetReachedError):
        await clock.run(lambda: asyncio.sleep(0), 0)


async def test_a_tools_own_timeout_is_its_own() -> None:
    async def tool() -> None:
        raise TimeoutError("the tool's")

    with pytest.raises(TimeoutError, match="the tool's"):
        await ToolClock(60, 0.0).run(tool, 60)


async def test_without_a_budget_nothing_ends() -> None:
    assert await ToolClock(None, 10**9).run(lambda: asyncio.sleep(0.01, "done"), None) == "done"
