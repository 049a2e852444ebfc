"""Whose call it is, what a bundled server gets of this process, and how long a call may take; in real processes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ToolCallError, ToolServerError
from configs.variables import variables
from graph.api import aask
from graph.masked_tools import MaskedTools
from graph.masking import Mask
from graph.workspaces import folder_name
from tests.conftest import SettingsFactory
from tests.fakes.mcp_servers.running import FAKES, by_name
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.project_files import ROOT
from tools.caller import CALLER, Caller
from tools.client import ToolBox
from tools.mcp_config import StdioServer
from tools.timed_call import AT_MOST

CALLER_SERVER = StdioServer(
    "caller",
    sys.executable,
    ("-m", "tests.fakes.mcp_servers.caller"),
    {"PYTHONPATH": str(ROOT), "MEMENTO_HOME": "${MEMENTO_HOME}", "SERPAPI_API_KEY": "${SERPAPI_API_KEY:-}"},
    FAKES,
)


@asynccontextmanager
async def box_of(settings: Any, *, bundled: bool = True) -> AsyncIterator[ToolBox]:
    known = variables(settings) if bundled else {}
    box = ToolBox([replace(CALLER_SERVER, bundled=bundled, settings=known)], settings)
    try:
        yield box
    finally:
        await box.aclose()


def config_of(caller: Caller) -> Any:
    return {"configurable": {CALLER: caller}}


@pytest.mark.parametrize("thread", ["thread-1", "../of another", ""])
async def test_a_bundled_server_is_told_the_workspace_and_the_task(settings: SettingsFactory, thread: str) -> None:
    made = await asyncio.to_thread(settings)
    config: Any = {"configurable": {"thread_id": thread, "task_id": "task-7"}}
    async with box_of(made) as box:
        (whose,) = [tool for tool in await MaskedTools(box, Mask()).tools() if tool.name == "whose"]
        told = json.loads(await whose.ainvoke({}, config))
        with pytest.raises(ToolCallError, match="unknown: memento/workspace"):  # a model cannot say whose it is
            await whose.ainvoke({"memento/workspace": "mine"}, config)
        untold = json.loads(await (await by_name(box))["whose"].ainvoke({}))
    assert told == [folder_name(thread) if thread else "default", "task-7"]
    assert untold == ["default", "default"]


async def test_a_server_of_the_user_is_told_nothing(settings: SettingsFactory) -> None:
    async with box_of(await asyncio.to_thread(settings), bundled=False) as box:
        whose = (await by_name(box))["whose"]
        assert json.loads(await whose.ainvoke({}, config_of(Caller("w", "t")))) == ["default", "default"]


async def test_a_bundled_server_gets_the_settings_its_entry_names_and_no_others(
    settings: SettingsFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMENTO_HOME", "/of/the/environment")
    monkeypatch.setenv("JINA_API_KEY", "canary")
    given = {}
    for key in (None, "of-the-settings"):
        made = await asyncio.to_thread(settings, home=tmp_path, **({"serpapi_api_key": key} if key else {}))
        async with box_of(made) as box:
            given[key] = json.loads(await (await by_name(box))["environment"].ainvoke({}))
    assert given[None]["MEMENTO_HOME"] == str(tmp_path)
    assert "SERPAPI_API_KEY" not in given[None]
    assert given["of-the-settings"]["SERPAPI_API_KEY"] == "of-the-settings"
    assert "canary" not in json.dumps(given)


async def test_progress_is_heard_and_keeps_a_call_alive(settings: SettingsFactory) -> None:
    heard: list[tuple[float, float | None, str]] = []
    caller = Caller(progress=lambda done, total, text: heard.append((done, total, text)))
    async with box_of(await asyncio.to_thread(settings, tool_timeout=2)) as box:
        tools = await by_name(box)
        work = tools["work"]
        assert await work.ainvoke({"steps": 4, "pause": 0.8}, config_of(caller)) == "worked"
        with pytest.raises(ToolServerError, match=r"\Atool server 'caller' gave no answer within 2 s\Z"):
            await work.ainvoke({"steps": 1, "pause": 20})
        assert await tools["sleep"].ainvoke({"seconds": 3}) == "slept"  # it publishes a longer limit
    assert heard == [(step, 4, f"step {step}") for step in range(1, 5)]


async def test_progress_for_ever_ends_at_a_cap(settings: SettingsFactory) -> None:
    async with box_of(await asyncio.to_thread(settings, tool_timeout=0.4)) as box:
        work = (await by_name(box))["work"]
        with pytest.raises(ToolServerError, match=rf"gave no answer within {0.4 * AT_MOST:g} s"):
            await work.ainvoke({"steps": 10_000, "pause": 0.02})


async def test_in_the_graph_a_call_is_the_threads_and_its_progress_an_event(settings: SettingsFactory) -> None:
    made = await asyncio.to_thread(settings, policy="none", judge_model="none")
    planner = ScriptedModel([plan("Work"), '{"final_answer": "worked"}'])
    executor = ScriptedModel(
        [calls(("work", {"steps": 2, "pause": 0.01}), ("whose", {})), Step("worked", when="^tool: worked")]
    )
    events: list[Any] = []
    async with box_of(made) as box, scripted_services(made, planner, executor) as services:
        result = await aask(
            "Work", thread_id="th-1", services=replace(services, tools=MaskedTools(box, Mask())), on_event=events.append
        )
    told = [event for event in events if event["type"] == "tool_progressed"]
    assert [(event["name"], event["done"], event["total"], event["text"]) for event in told] == [
        ("work", 1, 2, "step 1")
    ]
    workspace, task = json.loads(result.subtasks[0]["tool_calls"][1]["result"])
    assert workspace == "th-1"
    assert task == events[0]["id"]
