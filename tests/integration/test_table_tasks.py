"""Tasks about a spreadsheet and about an equation, through the real graph and the real servers."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from graph.api import aask
from tests.fakes.one_server import settings_with
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.fakes.workbooks import books


async def test_a_question_about_a_colour_is_solved_through_the_graph(tmp_path: Path) -> None:
    question = "Which words stand in cells with a red background in colours.xls, sheet table3?"
    book = tmp_path / "colours.xls"
    await asyncio.to_thread(shutil.copy, (await asyncio.to_thread(books))["xlrd/xf_class.xls"], book)
    settings = await settings_with(tmp_path / "home", "spreadsheet", "tools.servers.spreadsheet", judge_model="none")
    planner = ScriptedModel([plan("Read sheet table3 of colours.xls."), json.dumps({"final_answer": "RED"})])
    executor = ScriptedModel(
        [
            Step("Cell A1, RED, is red", when=r"(?s)^tool: .*\| RED \| RED.*Filled #FF0000 \(red\): A1"),
            Step(calls(("read_spreadsheet", {"path": "colours.xls", "sheet": "table3"})), when="Subtask: Read sheet"),
        ]
    )
    async with scripted_services(settings, planner, executor) as services:
        result = await aask(question, files=[book], expected="RED", services=services, thread_id="default")
    planner.assert_done()
    (subtask,) = result.subtasks
    (call,) = subtask["tool_calls"]
    assert call["ok"], call
    executor.assert_done()
    assert (result.answer, result.reward) == ("RED", 1)


async def test_an_equation_is_solved_through_the_graph(tmp_path: Path) -> None:
    settings = await settings_with(tmp_path / "home", "math", "tools.servers.math", judge_model="none")
    planner = ScriptedModel([plan("Solve the two equations."), json.dumps({"final_answer": "12"})])
    executor = ScriptedModel(
        [
            Step("12 chickens", when="^tool: chickens = 12, rabbits = 23"),
            Step(
                calls(("solve", {"equations": "chickens + rabbits = 35; 2 chickens + 4 rabbits = 116"})),
                when="Subtask: Solve the two",
            ),
        ]
    )
    async with scripted_services(settings, planner, executor) as services:
        result = await aask("35 heads, 116 feet: how many chickens?", expected="12", services=services)
    planner.assert_done()
    executor.assert_done()
    assert (result.answer, result.reward) == ("12", 1)
