"""Published tasks on stateful APIs, each API an MCP server: the gold calls go through our tool layer, and the
publishers' own judges say whether the tasks are solved. Every task is played."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from graph.api import aask
from tests.fakes.bfcl_tasks import GoldTask, classes, entry_of, executed, judged, tasks
from tests.fakes.mcp_servers.running import configured
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.fakes.tool_table import Row, note
from tools.client import ToolBox, open_tools

THROUGH_THE_GRAPH = (0, 57, 101, 152)
"""One task of each kind: files and posts, vehicles, trading, travel."""


async def by_server(box: ToolBox) -> dict[tuple[str, str], Any]:
    found = {}
    for tool in await box.tools():
        assert tool.metadata is not None
        found[tool.metadata["server"], tool.metadata["tool"]] = tool
    return found


@pytest.mark.timeout(600)
async def test_every_gold_call_of_bfcl_passes_through_the_tool_layer(home: Path, tmp_path: Path) -> None:
    wanted = await asyncio.to_thread(tasks)
    log = tmp_path / "calls.jsonl"
    servers = await asyncio.to_thread(lambda: {name: entry_of(name, log) for name in classes()})
    started = time.monotonic()
    passed, made, answers_equal = 0, 0, 0
    async with open_tools(await configured(home, servers)) as box:
        tools = await by_server(box)
        for number, task in enumerate(wanted):
            played, answers = await _played(task, tools, log)
            passed += await asyncio.to_thread(judged, task, played, f"played{number}")
            answers_equal += answers == await asyncio.to_thread(executed, task, f"again{number}")
            made += len(answers)
    seconds = time.monotonic() - started
    assert (passed, answers_equal, made) == (200, 200, sum(len(turn) for task in wanted for turn in task.turns))
    note(
        Row(
            "bfcl", f"{len(tools)} tools of {len(servers)} APIs", "multi_turn_base, 200 tasks", "bfcl-eval 2026.3.23",
            f"{passed}/200 solved with {made} calls", "the package's multi_turn_checker", round(seconds, 1),
        )
    )  # fmt: skip


def test_doing_nothing_solves_no_task_of_bfcl() -> None:
    assert not any(judged(task, [[] for _ in task.turns], f"idle{number}") for number, task in enumerate(tasks()))


def test_a_wrong_argument_is_not_accepted() -> None:
    (task,) = tasks()[:1]
    turns = [list(turn) for turn in task.texts]
    assert judged(task, turns, "right")
    turns[0][1] = "mkdir(dir_name='other')"
    assert not judged(task, turns, "wrong")


@pytest.mark.parametrize("number", THROUGH_THE_GRAPH)
async def test_a_task_of_bfcl_is_solved_through_the_graph(home: Path, tmp_path: Path, number: int) -> None:
    task = (await asyncio.to_thread(tasks))[number]
    log, scenario = tmp_path / "calls.jsonl", tmp_path / "scenario.json"
    await asyncio.to_thread(scenario.write_text, json.dumps(task.entry["initial_config"]), "utf-8")
    involved = task.entry["involved_classes"]
    entries = await asyncio.to_thread(lambda: {name: entry_of(name, log, str(scenario)) for name in involved})
    settings = await configured(home, entries, judge_model="none")
    gold = [call for turn in task.turns for call in turn]
    question = " ".join(message["content"] for turn in task.entry["question"] for message in turn)
    steps: list[Step] = [Step(calls((call.name, call.arguments))) for call in gold]
    planner = ScriptedModel([plan("Do all of it, in this order."), json.dumps({"final_answer": "done"})])
    executor = ScriptedModel([*steps, Step("all done")])
    async with scripted_services(settings, planner, executor) as services:
        result = await aask(question, expected="done", services=services)
    planner.assert_done()
    executor.assert_done()
    assert result.reward == 1
    said = iter(await asyncio.to_thread(_said, log))
    assert await asyncio.to_thread(judged, task, [[next(said) for _ in turn] for turn in task.turns], f"graph{number}")
    assert not list(said)


async def _played(task: GoldTask, tools: dict[tuple[str, str], Any], log: Path) -> tuple[list[list[str]], list[str]]:
    """The calls of each turn as they came to the servers, and all answers as a model sees them."""
    for name in task.entry["involved_classes"]:
        scenario = task.entry["initial_config"].get(name, {})
        await tools[name, "load_scenario"].ainvoke({"scenario": scenario})
    await asyncio.to_thread(log.write_text, "", "utf-8")
    counts, answers = [], []
    for turn in task.turns:
        answers += [str(await tools[call.server, call.name].ainvoke(call.arguments)) for call in turn]
        counts.append(len(turn))
    said = iter(await asyncio.to_thread(_said, log))
    return [[next(said) for _ in range(count)] for count in counts], answers


def _said(log: Path) -> list[str]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
