"""Which tool calls are made again when a run goes on, and which are told about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from configs.errors import CheckpointError
from graph.checkpoints import settled
from nodes.side_effects import UNCERTAIN, begin_calls, may_be_repeated
from nodes.steps import Kept, StepName, Steps
from nodes.tool_requests import ToolRequest


def tool(name: str, hints: dict[str, Any] | None) -> StructuredTool:
    return StructuredTool.from_function(lambda: "", name=name, description=name, metadata=hints)


@pytest.mark.parametrize(
    ("hints", "repeatable"),
    [
        (None, False),
        ({}, False),
        ({"readOnlyHint": True}, True),
        ({"idempotentHint": True, "destructiveHint": True}, True),
        ({"readOnlyHint": False, "idempotentHint": False}, False),
        ({"destructiveHint": False}, False),
        ({"readOnlyHint": "yes"}, False),
    ],
)
def test_what_a_server_does_not_say_may_change_something(hints: dict[str, Any] | None, repeatable: bool) -> None:
    assert may_be_repeated(tool("t", hints)) is repeatable


def test_a_tool_that_is_gone_may_have_changed_something() -> None:
    assert not may_be_repeated(None)


class FakeSteps:
    """Steps that were done before, or are done now."""

    def __init__(self, replayed: bool) -> None:
        self.replayed = replayed
        self.kept: list[tuple[StepName, bool, bool]] = []

    async def keep(self, name: StepName, work: Callable[[], Awaitable[Any]], *, wait: bool, token: str) -> Kept[Any]:
        value = await work()
        self.kept.append((name, wait, token in value))
        return Kept(value, self.replayed)


TOOLS = {"look": tool("look", {"readOnlyHint": True}), "book": tool("book", None)}


def request(name: str, fault: str | None = None) -> ToolRequest:
    return ToolRequest(f"call of {name}", name, {}, fault)


async def begun(replayed: bool, *requests: ToolRequest) -> tuple[list[str | None], list[Any]]:
    steps = FakeSteps(replayed)
    given = await begin_calls(cast(Steps, steps), requests, TOOLS, lambda each: each.name == "find_tools")
    assert [each.id for each in given] == [each.id for each in requests]
    return [each.fault for each in given], steps.kept


@pytest.mark.parametrize(
    ("requests", "faults", "kept"),
    [
        ([request("look"), request("book")], [None, UNCERTAIN], [("begin", True, True)]),
        ([request("look")], [None], [("begin", False, True)]),
        ([request("gone")], [UNCERTAIN], [("begin", True, True)]),
        ([request("find_tools"), request("book", "refused")], [None, "refused"], [("begin", False, True)]),
        ([request("find_tools")], [None], []),
    ],
)
async def test_calls_begun_by_an_earlier_attempt(
    requests: list[ToolRequest], faults: list[str | None], kept: list[Any]
) -> None:
    assert await begun(True, *requests) == (faults, kept)
    assert await begun(False, *requests) == ([each.fault for each in requests], kept)


class State(TypedDict, total=False):
    seen: bool


class Slow(InMemorySaver):
    """A server's checkpointer that stores what a step gave some time later, or never."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def aput_writes(self, config: Any, writes: Any, task_id: str, task_path: str = "") -> None:
        await asyncio.sleep(self.seconds)
        await super().aput_writes(config, writes, task_id, task_path)


async def run(saver: InMemorySaver) -> list[bool]:
    """Whether the begin was stored when `begin_calls` returned."""
    stored: list[bool] = []

    async def node(state: State) -> State:
        steps = Steps(lambda token: settled(saver, "t", token))
        await begin_calls(steps, [request("book")], TOOLS, lambda _: False)
        stored.append(any("call of book" in str(write) for each in saver.writes.values() for write in each.values()))
        return {"seen": True}

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    await graph.compile(checkpointer=saver).ainvoke({}, {"configurable": {"thread_id": "t"}}, durability="async")
    return stored


async def test_a_servers_checkpointer_is_asked_until_it_has_stored_the_begin() -> None:
    assert await run(Slow(0.1)) == [True]


async def test_a_call_does_not_begin_where_that_is_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.server_checkpoints.WAIT_SECONDS", 0.1)
    with pytest.raises(CheckpointError, match="has not stored a step"):
        await run(Slow(0.5))
