"""The benchmark of tool calls measures what it says; its goal is judged by `make bench`."""

from __future__ import annotations

import asyncio

from benchmarks.tool_calls import in_turns, measure
from tests.conftest import SettingsFactory


async def test_both_ways_are_called_in_turns() -> None:
    order: list[str] = []

    async def bare() -> None:
        order.append("bare")

    async def agent() -> None:
        order.append("agent")
        await asyncio.sleep(0.002)

    pairs = await in_turns(bare, agent, rounds=2, calls=3)
    assert order[:4] == ["bare", "agent", "bare", "agent"]
    assert len(pairs) == 2
    assert all(slow > fast for fast, slow in pairs)


async def test_a_call_through_the_layer_is_near_the_bare_round_trip(settings: SettingsFactory) -> None:
    """Far looser than the goal: tests run side by side on a busy machine."""
    found = await measure(await asyncio.to_thread(settings), rounds=3, calls=20)
    assert found.lowest < 3
    assert 0 < found.bare < found.first_call
