"""Durable steps: done once, replayed in their order, done again where they failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from nodes.steps import Steps


class State(TypedDict, total=False):
    given: list[Any]


class Node:
    """Two steps side by side, an interrupt, a step that fails while `broken`, and one more."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.settled = 0
        self.broken = True

    async def _settle(self, token: str) -> None:
        self.settled += 1

    async def __call__(self, state: State) -> State:
        steps = Steps(self._settle)
        slow, quick = await asyncio.gather(
            steps.keep("tool", lambda: self._work("slow", 0.05)), steps.keep("tool", lambda: self._work("quick"))
        )
        answer = interrupt("go on?")
        last = await steps.keep("model", lambda: self._work("last"))
        return {"given": [slow.value, quick.value, answer, last.value, slow.replayed, last.replayed]}

    async def _work(self, name: str, delay: float = 0) -> str:
        await asyncio.sleep(delay)
        if name == "last" and self.broken:
            raise RuntimeError("broken")
        self.done.append(name)
        return name.upper()


async def test_a_step_that_was_done_is_not_done_again_and_a_failed_one_is() -> None:
    node, graph = Node(), StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    compiled = graph.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    await compiled.ainvoke({"given": []}, config)
    assert (node.done, node.settled) == (["quick", "slow"], 2)
    with pytest.raises(RuntimeError, match="broken"):
        await compiled.ainvoke(Command(resume="yes"), config)
    node.broken = False
    result = await compiled.ainvoke(None, config)
    assert result["given"] == ["SLOW", "QUICK", "yes", "LAST", True, False]
    assert (node.done, node.settled) == (["quick", "slow", "last"], 3)


async def test_under_max_concurrency_steps_run_plainly_and_do_not_wait_for_their_own_place() -> None:
    async def plain(state: State) -> State:
        kept = await Steps(Node()._settle).keep("tool", lambda: asyncio.sleep(0, "done"))
        return {"given": [kept.value, kept.replayed]}

    graph = StateGraph(State)
    graph.add_node("node", plain)
    graph.add_edge(START, "node")
    result = await asyncio.wait_for(graph.compile().ainvoke({}, {"max_concurrency": 1}), 5)
    assert result["given"] == ["done", False]
