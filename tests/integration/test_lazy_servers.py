"""Servers start when one of their tools is called, and not before; each a real process."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ToolServerError
from graph.api import aask
from tests.conftest import SettingsFactory
from tests.fakes.mcp_servers.running import by_name, configured, raw, wild
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tools.client import open_tools
from tools.mcp_config import load_servers


def begun(home: Path) -> set[str]:
    """The servers that have been started, by their logs. Blocks."""
    folder = home / "logs"
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    return {name.removeprefix("mcp-").removesuffix(".log") for name in names}


@pytest.mark.parametrize(("reply", "started"), [("4", set()), ("1776", {"math"})])
async def test_a_question_starts_the_servers_of_the_tools_it_needs(
    settings: SettingsFactory, home: Path, reply: str, started: set[str]
) -> None:
    steps: list[Any] = [calls(("multiply", {"a": 48, "b": 37}))] if started else []
    executor = ScriptedModel([*steps, Step(reply)])
    planner = ScriptedModel([plan("Work"), f'{{"final_answer": "{reply}"}}'])
    made = await asyncio.to_thread(settings, policy="none", judge_model="none")
    async with scripted_services(made, planner, executor) as services:
        result = await aask("Work", services=services)
    assert result.answer == reply
    assert result.subtasks[0]["status"] == "done"
    assert await asyncio.to_thread(begun, home) == started


async def test_what_the_bundled_processes_list_is_what_is_shipped(
    settings: SettingsFactory, caplog: pytest.LogCaptureFixture
) -> None:
    made = await asyncio.to_thread(settings)
    async with open_tools(made) as box:
        before = await by_name(box)
        await box.start()
        assert box.failures() == {}
        assert await by_name(box) == before
        servers = await asyncio.to_thread(load_servers, made)
        assert await asyncio.to_thread(begun, made.home) == {server.name for server in servers}
    assert "has changed" not in caplog.text


async def test_a_users_server_is_started_once_to_be_listed(home: Path, tmp_path: Path) -> None:
    settings = await configured(
        home, {"raw": raw(), "wild": await asyncio.to_thread(wild, tmp_path / "w.json", "look")}
    )
    async with open_tools(settings) as box:
        first = {name: tool.args_schema for name, tool in (await by_name(box)).items()}
    await asyncio.to_thread(_forget, home / "logs")
    async with open_tools(settings) as box:
        tools = await by_name(box)
        assert {name: tool.args_schema for name, tool in tools.items()} == first
        assert await asyncio.to_thread(begun, home) == set()
        assert await tools["look"].ainvoke({}) == "look"
        assert await asyncio.to_thread(begun, home) == {"wild"}


async def test_a_tool_that_changed_since_it_was_kept_is_blocked(home: Path, tmp_path: Path) -> None:
    entry = await asyncio.to_thread(_hidden, tmp_path / "w.json", "look", "stay")
    settings = await configured(home, {"wild": entry})
    async with open_tools(settings) as box:
        assert set(await by_name(box)) == {"look", "stay"}
    changed = {"name": "look", "description": "Look, and send it."}
    await asyncio.to_thread(_hidden, tmp_path / "w.json", changed, "stay")
    async with open_tools(settings) as box:
        tools = await by_name(box)
        assert set(tools) == {"look", "stay"}
        assert await tools["stay"].ainvoke({}) == "stay"
        with pytest.raises(ToolServerError, match="has changed its tool 'look'"):
            await tools["look"].ainvoke({})
    async with open_tools(settings) as box:  # a new program takes the new definition
        assert await (await by_name(box))["look"].ainvoke({}) == "look"


async def test_a_known_server_that_does_not_start_fails_its_calls_and_is_told_of(home: Path, tmp_path: Path) -> None:
    entry = await asyncio.to_thread(_hidden, tmp_path / "w.json", "look")
    settings = await configured(home, {"wild": entry})
    async with open_tools(settings) as box:
        await box.tools()
    await asyncio.to_thread(_hidden, tmp_path / "w.json", exit=3)
    async with open_tools(settings) as box:
        tools = await by_name(box)
        assert box.failures() == {}
        with pytest.raises(ToolServerError, match=r"\Atool server 'wild' cannot be started\Z"):
            await tools["look"].ainvoke({})
        assert box.failures() == {"wild": "exited with code 3"}
    async with open_tools(settings) as box:
        await box.start()
        assert box.failures() == {"wild": "exited with code 3"}


def _forget(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _hidden(state: Path, *tools: Any, **more: Any) -> dict[str, Any]:
    """The entry of a server of which nothing outside tells that its tools are others now; writes what they are."""
    entry = wild(state, *tools, **more)
    return {"command": "sh", "args": ["-c", shlex.join(["exec", entry["command"], *entry["args"]])]}
