"""Requests of the real graph that stay within their tokens, and long tool results that can be read on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from graph.api import aask, aresume
from graph.services import Services
from nodes.whole_results import READ, result_id
from tests.fakes.mcp_servers.running import configured, raw
from tests.fakes.scripted_model import Request, ScriptedModel, Step, calls, plan
from tests.fakes.services import ProviderFault, scripted_services

NUMBERS = " ".join(str(number) for number in range(20_000))
OWN = result_id(NUMBERS)
ANSWER = '{"final_answer": "done"}'
LOOK: tuple[str, dict[str, Any]] = ("numbers", {})


@asynccontextmanager
async def services(
    home: Path, planner: BaseChatModel, executor: BaseChatModel, *, native_tools: bool = True, **overrides: object
) -> AsyncIterator[Services]:
    """With the tools of the fake server alone."""
    given = {"judge_model": "none", "max_tools": 30, **overrides}
    settings = await configured(home, {"raw": raw()}, **given)
    async with scripted_services(settings, planner, executor, native_tools=native_tools) as opened:
        yield opened


def planner_of(*descriptions: str) -> ScriptedModel:
    return ScriptedModel([plan(*descriptions), ANSWER])


async def test_a_long_result_is_shown_shortened_and_read_on(home: Path) -> None:
    executor = ScriptedModel(
        [
            calls(LOOK),
            calls((READ, {"id": OWN, "offset": 5333})),
            calls((READ, {"id": OWN, "offset": 10**9}), (READ, {"id": "r0000000000", "offset": 0})),
            "seen",
        ]
    )
    async with services(home, planner_of("Look."), executor) as opened:
        result = await aask("Q?", services=opened)
    first, second, third, fourth = executor.requests
    assert READ not in first.tool_names
    assert all(READ in request.tool_names for request in (second, third, fourth))
    assert f'{len(NUMBERS) - 7999:,} characters left out; {READ}("{OWN}", 5333) reads on' in second.last
    assert NUMBERS[5333:13333] in third.last
    assert f'{READ}("{OWN}", 13333) reads on' in third.last
    assert "is outside the result" in fourth.text
    assert "no result 'r0000000000' is kept" in fourth.last
    assert [call["ok"] for call in result.subtasks[0]["tool_calls"]] == [True, True, False, False]


async def test_a_later_subtask_may_read_on_and_another_task_may_not(home: Path) -> None:
    steps = [
        Step(calls((READ, {"id": OWN, "offset": 6})), when=lambda request: count(request) == 1),
        Step("read", when=lambda request: count(request) > 1),
    ]
    executor = ScriptedModel(
        [
            Step(calls(LOOK), when=r"Subtask: Look\.$"),
            Step(f"numbers, {READ} {OWN} has all", when="^tool: 0 1 2"),
            *steps,
        ]
    )
    planner = ScriptedModel([plan("Look.", "Go on."), ANSWER, plan("Go on in " + OWN), ANSWER])
    later = ScriptedModel([calls((READ, {"id": OWN, "offset": 0})), Step("no", when="there is no tool 'read_result'")])
    async with services(home, planner, executor) as opened:
        first = await aask("Q?", thread_id="t", services=opened)
        models = opened.models.by_spec  # type: ignore[attr-defined]  # scripted_services puts ScriptedModels there
        spec = opened.settings.executor_model
        models[spec] = replace(models[spec], chat=later)
        second = await aask("And?", thread_id="t", services=opened)
    assert READ in executor.requests[2].tool_names
    assert NUMBERS[6:3000] in executor.requests[3].last
    assert [each["status"] for each in first.subtasks] == ["done", "done"]
    assert second.status == "answered"
    later.assert_done()


def count(request: Request) -> int:
    """How many answers of tools a request of the second subtask holds, and one for its own message."""
    return (
        1 + sum(isinstance(each, ToolMessage) for each in request.messages) if "Subtask: Go on" in request.text else 0
    )


async def test_a_crash_between_result_and_reading_on_loses_nothing(home: Path) -> None:
    executor = ScriptedModel(
        [
            calls(LOOK),
            ProviderFault("down"),
            calls((READ, {"id": OWN, "offset": 50})),
            Step("seen", when=NUMBERS[50:900]),
        ]
    )
    async with services(home, planner_of("Look."), executor) as opened:
        failed = await aask("Q?", thread_id="t", services=opened)
    async with services(home, ScriptedModel([ANSWER]), executor) as opened:
        resumed = await aresume("t", services=opened)
    assert (failed.status, resumed.status) == ("failed", "answered")
    assert READ in executor.requests[2].tool_names
    executor.assert_done()
    names = [call["name"] for call in resumed.subtasks[0]["tool_calls"]]
    assert names == ["numbers", READ]


async def test_a_model_without_tool_calling_reads_on_too(home: Path) -> None:
    executor = ScriptedModel(
        [
            '{"tool": "numbers", "arguments": {}}',
            Step(f'{{"tool": "{READ}", "arguments": {{"id": "{OWN}", "offset": 40}}}}', when=f'{READ}."{OWN}", 5333'),
            Step('{"result": "seen"}', when=NUMBERS[40:900]),
        ]
    )
    async with services(home, planner_of("Look."), executor, native_tools=False) as opened:
        result = await aask("Q?", services=opened)
    executor.assert_done()
    assert result.subtasks[0]["status"] == "done"


async def test_forty_long_results_stay_within_the_window(home: Path) -> None:
    """Each turn adds 2,000 tokens to a window of 6,000; the model reports what it was sent."""
    turns = [calls(("echo", {"text": f"{number} " + "word " * 1500})) for number in range(40)]
    executor = ScriptedModel([*turns, "done"])
    async with services(home, planner_of("Echo."), executor, context_tokens=6000, max_steps=60) as opened:
        result = await aask("Q?", services=opened)
    executor.assert_done()
    assert result.subtasks[0]["status"] == "done"
    sizes = [(len(each.text) + sum(len(str(tool)) for tool in each.tools)) / 4 for each in executor.requests]
    assert max(sizes) < 6600
    last = executor.requests[-1]
    assert "Question: Q?" in last.text
    assert "Subtask: Echo." in last.text
    assert 'echo({"text": "0 word' in last.text or "and before them" in last.text
    asked = [call["id"] for each in last.messages if isinstance(each, AIMessage) for call in each.tool_calls]
    assert asked == [each.tool_call_id for each in last.messages if isinstance(each, ToolMessage)]
    assert READ in last.tool_names


async def test_what_only_the_memory_tells_can_be_read_whole(home: Path) -> None:
    text = "first " + "word " * 900
    own = result_id(f"echo: {text.strip()}")
    turns = [calls(("echo", {"text": text})), *(calls(("echo", {"text": str(number) * 4000})) for number in range(4))]
    executor = ScriptedModel(
        [*turns, Step(calls((READ, {"id": own, "offset": 0})), when=own), Step("ok", when="the end of the result")]
    )
    async with services(home, planner_of("Echo."), executor, context_tokens=6000) as opened:
        await aask("Q?", services=opened)
    executor.assert_done()
    assert executor.requests[-1].last.startswith("tool: echo: first word")


async def test_planner_and_judge_requests_are_bounded_too(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    await asyncio.to_thread(file.write_text, "line of the file\n" * 10_000)
    planner = planner_of("Look.")
    executor = ScriptedModel(["word " * 1500])
    async with services(home, planner, executor, context_tokens=2000) as opened:
        await aask("What is it?", files=[file], services=opened)
    for request in planner.requests:
        assert len(request.text) < 2000 * 4.2
        assert "characters left out" in request.text
        assert "What is it?" in request.text


async def test_a_provider_that_counts_more_gets_less(home: Path) -> None:
    def counted(request: Request) -> AIMessage:
        tokens = len(request.text) // 2  # twice what four characters a token give
        used = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
        again = len(executor.requests)
        return calls(("echo", {"text": f"{again} " + "word " * 1000})).model_copy(update={"usage_metadata": used})

    executor = ScriptedModel([Step(counted, times=14), "done"])
    async with services(home, planner_of("Echo."), executor, context_tokens=6000, max_steps=20) as opened:
        await aask("Q?", services=opened)
    assert max(len(each.text) for each in executor.requests[3:]) / 2 < 6000


@pytest.mark.parametrize("native_tools", [True, False])
async def test_a_workspace_keeps_what_was_cut(home: Path, native_tools: bool) -> None:
    look: Any = calls(LOOK) if native_tools else '{"tool": "numbers", "arguments": {}}'
    executor = ScriptedModel([look, "seen" if native_tools else '{"result": "seen"}'])
    async with services(home, planner_of("Look."), executor, native_tools=native_tools) as opened:
        await aask("Q?", thread_id="t", services=opened)
    found = [
        name
        for _, _, names in await asyncio.to_thread(lambda: list(os.walk(home / "workspaces" / "t")))
        for name in names
    ]
    assert found == [OWN]
    assert isinstance(executor.requests[1].messages[-1], ToolMessage if native_tools else HumanMessage)
