"""The airline tasks of tau2: the package's own MCP server behind our tool layer, gold actions played."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from graph.api import aask
from tests.fakes import tau2_tasks as tau2
from tests.fakes.mcp_servers.running import by_name, configured
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.fakes.tool_table import Row, note
from tools.client import open_tools

IDLE = 23
"""Tasks whose gold actions change nothing and that ask for no word: there the right thing is to do nothing."""


@pytest.mark.timeout(600)
async def test_every_gold_action_passes_through_the_tool_layer(home: Path, tmp_path: Path) -> None:
    wanted = await asyncio.to_thread(tau2.tasks)
    entry = await asyncio.to_thread(tau2.entry, tmp_path)
    started = time.monotonic()
    solved, made = 0, 0
    async with open_tools(await configured(home, {"airline": entry})) as box:
        tools = await by_name(box)
        for task in wanted:
            made += await _played(task, tools)
            found = await asyncio.to_thread(tau2.database, task, tmp_path)
            solved += await asyncio.to_thread(tau2.solved, task, found, tau2.to_say(task))
    assert (solved, made) == (len(wanted), sum(len(tau2.actions(task)) for task in wanted))
    note(
        Row(
            "tau2 airline", f"{len(tools)} tools", f"{len(wanted)} tasks", tau2.ORIGIN,
            f"{solved}/{len(wanted)} solved with {made} calls; {IDLE}/50 by doing nothing",
            "the database equals the gold one, and what must be said is said", round(time.monotonic() - started, 1),
        )
    )  # fmt: skip


def test_doing_nothing_solves_the_tasks_that_ask_for_nothing(tmp_path: Path) -> None:
    untouched = tau2.database(tau2.tasks()[0], tmp_path)
    assert sum(tau2.solved(task, untouched, []) for task in tau2.tasks()) == IDLE


async def test_a_task_is_solved_through_the_graph(home: Path, tmp_path: Path) -> None:
    every = await asyncio.to_thread(tau2.tasks)
    task = next(each for each in every if any(call["name"] == "book_reservation" for call in tau2.actions(each)))
    entry = await asyncio.to_thread(tau2.entry, tmp_path)
    settings = await configured(home, {"airline": entry}, judge_model="none")
    steps = [Step(calls((call["name"], _arguments(task, call)))) for call in tau2.actions(task)]
    words = ["Done.", *tau2.to_say(task)]
    planner = ScriptedModel([plan("Do what the user wants."), json.dumps({"final_answer": " ".join(words)})])
    executor = ScriptedModel([*steps, Step("done")])
    async with scripted_services(settings, planner, executor) as services:
        result = await aask(task["user_scenario"]["instructions"]["reason_for_call"], services=services)
    planner.assert_done()
    executor.assert_done()
    found = await asyncio.to_thread(tau2.database, task, tmp_path)
    assert await asyncio.to_thread(tau2.solved, task, found, [str(result.answer)])
    untouched = await asyncio.to_thread(tau2.database, task, tmp_path / "none")
    assert not await asyncio.to_thread(tau2.solved, task, untouched, words)


async def _played(task: dict[str, Any], tools: dict[str, BaseTool]) -> int:
    """Play the gold actions of a task; a call that the airline refuses is part of some of them."""
    for call in tau2.actions(task):
        try:
            await tools[call["name"]].ainvoke(_arguments(task, call))
        except ToolCallError:
            continue
    return len(tau2.actions(task))


def _arguments(task: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    return {**call["arguments"], "state_key": tau2.key(task)}
