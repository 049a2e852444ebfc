"""Our client with servers that other people wrote, as published, over all three transports."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from tests.conftest import SettingsFactory
from tests.fakes.mcp_servers.running import FAKES, by_name
from tests.fakes.npm_packages import EVERYTHING, FILESYSTEM, node, npm_package, python_with
from tools.caller import CALLER, Caller
from tools.client import ToolBox
from tools.mcp_config import RemoteServer, ServerConfig, StdioServer

PYTHON = ("mcp==2.3.0", "mcp-server-time==2026.10.19", "mcp-server-git==2026.10.19")
pytestmark = pytest.mark.timeout(600)  # where they are fetched first
Tools = dict[str, BaseTool]


@asynccontextmanager
async def tools_of(config: ServerConfig, settings: SettingsFactory) -> AsyncIterator[Tools]:
    box = ToolBox([config], await asyncio.to_thread(settings))
    try:
        tools = await by_name(box)
        assert box.failures() == {}
        yield tools
    finally:
        await box.aclose()


@pytest.fixture(params=["stdio", "streamableHttp", "sse"])
def everything(request: pytest.FixtureRequest) -> Iterator[ServerConfig]:
    """The reference server of the protocol, over one of its transports."""
    program, script = str(node()), str(npm_package(EVERYTHING) / "dist" / "index.js")
    if request.param == "stdio":
        yield StdioServer("everything", program, (script, "stdio"), {}, FAKES)
        return
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORT": str(port)}
    command = [program, script, request.param]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        _wait_for(port)
        path, kind = ("sse", "sse") if request.param == "sse" else ("mcp", "streamable_http")
        yield RemoteServer("everything", f"http://127.0.0.1:{port}/{path}", {}, kind)  # type: ignore[arg-type]
        server.kill()


@pytest.fixture
def python() -> str:
    """The interpreter of an environment with the Python servers, on mcp 2."""
    return str(python_with(*PYTHON))


async def test_the_reference_server(everything: ServerConfig, settings: SettingsFactory, home: Path) -> None:
    heard: list[tuple[float, float | None]] = []
    config: Any = {"configurable": {CALLER: Caller("w", "t", lambda done, total, _: heard.append((done, total)))}}
    async with tools_of(everything, settings) as tools:
        assert await tools["echo"].ainvoke({"message": "hi"}) == "Echo: hi"
        assert await tools["get-sum"].ainvoke({"a": "2", "b": 3}) == "The sum of 2 and 3 is 5."
        picture = await tools["get-tiny-image"].ainvoke({}, config)
        assert "[image/png, 4 kB, saved as image.png]" in picture
        structured = await tools["get-structured-content"].ainvoke({"location": "Chicago"})
        assert '"temperature"' in structured
        links = await tools["get-resource-links"].ainvoke({"count": 2})
        assert "[Blob Resource 1: demo://resource/dynamic/blob/1, text/plain]" in links
        embedded = await tools["get-resource-reference"].ainvoke({"resourceType": "Blob", "resourceId": 1}, config)
        assert "demo://resource/dynamic/blob/1, saved as 1.txt]" in embedded
        long = {"duration": 0.4, "steps": 2}
        assert "completed" in await tools["trigger-long-running-operation"].ainvoke(long, config)
        with pytest.raises(ToolCallError):
            await tools["get-sum"].ainvoke({"a": "two", "b": 3})
        assert await tools["echo"].ainvoke({"message": "still"}) == "Echo: still"
    assert heard[-1] == (2, 2)
    saved = await asyncio.to_thread((home / "workspaces" / "w" / "image.png").read_bytes)
    assert saved.startswith(b"\x89PNG\r\n")


async def test_the_filesystem_server(settings: SettingsFactory, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "note.txt").write_text, "in the folder")
    program = await asyncio.to_thread(node)
    script = str(await asyncio.to_thread(npm_package, FILESYSTEM) / "dist" / "index.js")
    async with tools_of(StdioServer("files", str(program), (script, str(tmp_path)), {}, tmp_path), settings) as tools:
        assert await tools["read_text_file"].ainvoke({"path": str(tmp_path / "note.txt")}) == "in the folder"
        assert "note.txt" in await tools["list_directory"].ainvoke({"path": str(tmp_path)})
        with pytest.raises(ToolCallError, match="Access denied"):
            await tools["read_text_file"].ainvoke({"path": "/etc/passwd"})


async def test_the_time_and_git_servers(settings: SettingsFactory, python: str, tmp_path: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "the first step"]):
        await asyncio.to_thread(subprocess.run, ["git", *command], cwd=tmp_path, check=True)
    time_server = StdioServer("time", python, ("-m", "mcp_server_time", "--local-timezone", "UTC"), {}, tmp_path)
    async with tools_of(time_server, settings) as tools:
        moment = {"source_timezone": "Europe/Berlin", "time": "14:30", "target_timezone": "Asia/Tokyo"}
        assert "T2" in await tools["convert_time"].ainvoke(moment)
        with pytest.raises(ToolCallError, match="Nowhere"):
            await tools["get_current_time"].ainvoke({"timezone": "Nowhere/Town"})
    git_server = StdioServer("git", python, ("-m", "mcp_server_git", "--repository", str(tmp_path)), {}, tmp_path)
    async with tools_of(git_server, settings) as tools:
        assert "the first step" in await tools["git_log"].ainvoke({"repo_path": str(tmp_path)})


async def test_a_server_built_on_mcp_2(settings: SettingsFactory, python: str, tmp_path: Path) -> None:
    heard: list[tuple[float, str]] = []
    config: Any = {"configurable": {CALLER: Caller(progress=lambda done, _, text: heard.append((done, text)))}}
    server = StdioServer("second", python, (str(FAKES / "second_generation.py"),), {}, tmp_path)
    async with tools_of(server, settings) as tools:
        assert '"degrees"' in await tools["weather"].ainvoke({"town": "Köln"})
        with pytest.raises(ToolCallError):
            await tools["weather"].ainvoke({"town": ""})
        assert "saved as image.png" in await tools["picture"].ainvoke({})
        assert await tools["work"].ainvoke({"steps": 3}, config) == "worked"
    assert heard == [(1, "step 1"), (2, "step 2"), (3, "step 3")]


def _wait_for(port: int) -> None:
    for _ in range(600):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")
