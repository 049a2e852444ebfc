"""Every tool that takes a path, with paths that lead out and with links that code in the sandbox has made.

The servers are the bundled ones as processes of their own, and which tools take a path is read from their listing, so a
new tool is tried here without being named.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from configs.settings import load_settings
from tests.fakes.mcp_servers.running import by_name
from tests.project_files import ROOT
from tools.caller import CALLER, Caller
from tools.client import open_tools

pytestmark = pytest.mark.timeout(300)
LOOP = pytest.mark.asyncio(loop_scope="module")
SECRET = "canary-of-another-task"
PATHS = ("path", "folder", "to")
OTHERWISE = {"question": "What?", "text": "x", "old": "x", "new": "y", "sql": "select 1"}
NO_PATHS = {
    "equations", "from_unit", "to_unit", "unknowns",
    "category", "cells", "code", "command", "date", "end", "engine", "expression", "from_timezone", "language",
    "letter", "pages", "query", "render", "sheet", "start", "time", "timezone", "to_timezone", "url", *OTHERWISE,
}  # fmt: skip
"""Text arguments that name no file."""
LISTED = json.loads((ROOT / "tools" / "servers" / "listings.json").read_text(encoding="utf-8"))


def texts_of(tool: dict[str, Any]) -> list[str]:
    """The arguments of a tool that are text."""
    properties: dict[str, dict[str, Any]] = tool["inputSchema"].get("properties", {})
    return [name for name, schema in properties.items() if schema.get("type") == "string"]


LISTED_TOOLS: dict[str, dict[str, Any]] = {tool["name"]: tool for server in LISTED.values() for tool in server["tools"]}
TAKING = [(name, each) for name, tool in LISTED_TOOLS.items() for each in texts_of(tool) if each in PATHS]


@dataclass(frozen=True)
class Bench:
    """The tools, the workspace they work in, and another task's file beside it."""

    tools: dict[str, BaseTool]
    space: Path
    other: Path

    async def call(self, tool: str, **arguments: Any) -> str:
        config: Any = {"configurable": {CALLER: Caller("mine", "task")}}
        return str(await self.tools[tool].ainvoke(arguments, config))

    async def refusal(self, tool: str, argument: str, path: str) -> str:
        """Why a tool does not take a path; empty if it does."""
        required = LISTED_TOOLS[tool]["inputSchema"].get("required", [])
        given = {"path": "notes.zip", **OTHERWISE, argument: path}
        try:
            await self.call(tool, **{name: given[name] for name in {*required, argument}})
        except ToolCallError as error:
            return str(error)
        return ""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "home"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(place: Path) -> AsyncIterator[Bench]:
    other = place / "workspaces" / "other" / "private.txt"
    await asyncio.to_thread(other.parent.mkdir, parents=True)
    await asyncio.to_thread(other.write_text, SECRET)
    settings = await asyncio.to_thread(load_settings, None, [f"home={place}", "vision_model=none"])
    async with open_tools(settings) as box:
        tools = await by_name(box)
        made = Bench(tools, place / "workspaces" / "mine", other)
        await made.call("write_file", path="a/notes.txt", text="mine")  # paths lead out of a workspace that is there
        yield made


def test_which_arguments_are_paths_is_known() -> None:
    known = {*PATHS, *NO_PATHS}
    number = {"a", "b", "number", "percent"}
    assert {each for tool in LISTED_TOOLS.values() for each in texts_of(tool)} <= known | number
    assert len(TAKING) >= 15


@pytest.mark.parametrize(("tool", "argument"), TAKING, ids=[f"{tool}-{argument}" for tool, argument in TAKING])
@LOOP
async def test_no_path_leads_out(bench: Bench, tool: str, argument: str) -> None:
    before = await asyncio.to_thread(_outside, bench)
    for path in leading_out(bench.other):
        told = await bench.refusal(tool, argument, path)
        assert told, f"{tool} took {path[:60]!r}"
        assert len(told) < 400
        assert not any(each in told for each in (SECRET, "root:x:", "Traceback", 'File "')), told
        assert str(bench.space) not in told, "the place of the workspace is told"
    assert await asyncio.to_thread(_outside, bench) == before


def leading_out(other: Path) -> list[str]:
    """Every way to name a file that is not the task's own."""
    return [
        "/etc/passwd", "/proc/self/environ", "//etc/passwd", str(other), f"file://{other}", "file:/etc/passwd",
        "FILE:///etc/passwd", "..", "../other/private.txt", "a/../../other/private.txt", "./../other/private.txt",
        "/workspace/../other/private.txt", "/workspace//../other/private.txt", "%2e%2e/other/private.txt",
        "..%2fother%2fprivate.txt", "%2fetc%2fpasswd", "/workspace/%2e%2e/other/private.txt", "file%3A///etc/passwd",
        "notes.zip\0.txt", "/etc/passwd\0.zip", "notes\n.txt", "x" * 5000, "../" * 1000 + "etc/passwd", "~/.env",
        "~", "\x1b[2J/etc/passwd", "\u202e/etc/passwd",
    ]  # fmt: skip


def _outside(bench: Bench) -> list[tuple[str, bytes]]:
    """What lies beside the workspace."""
    files = [each for each in bench.other.parent.rglob("*") if each.is_file()]
    return [(str(each), each.read_bytes()) for each in sorted(files)]


@LOOP
async def test_links_made_in_the_sandbox_are_followed_by_nobody(bench: Bench) -> None:
    code = f"""
import os, socket
os.symlink("/etc/passwd", "link.txt")
os.symlink({str(bench.other)!r}, "there.txt")
os.symlink("../other/private.txt", "near.txt")
os.symlink("/etc", "etc")
os.symlink("..", "up")
os.symlink("loop", "loop")
os.mkfifo("pipe.txt")
socket.socket(socket.AF_UNIX).bind("socket.txt")
sorted(os.listdir("."))"""
    made = await bench.call("run_python", code=code)
    paths = [
        "link.txt",
        "there.txt",
        "near.txt",
        "etc/passwd",
        "up/other/private.txt",
        "loop",
        "pipe.txt",
        "socket.txt",
    ]
    assert all(path.partition("/")[0] in made for path in paths), made
    try:
        for tool, argument in TAKING:
            if tool in ("write_file", "list_files") or argument == "to":
                continue  # replaces a link, lists nothing: below
            for path in paths:
                told = await asyncio.wait_for(bench.refusal(tool, argument, path), 30)
                assert told, f"{tool} took {path}"
                assert not any(each in told for each in (SECRET, "root:x:", str(bench.space))), told
        assert await bench.refusal("write_file", "path", "up/other/private.txt")
        assert await bench.refusal("write_file", "path", "etc/new")
        for folder in ("", "up", "up/other", "etc"):
            listed = await bench.refusal("list_files", "folder", folder) or await bench.call(
                "list_files", folder=folder
            )
            assert not any(each in listed for each in ("private", "passwd", "link.txt")), listed
        await bench.call("write_file", path="near.txt", text="mine")
        assert "mine" in await bench.call("read_file", path="near.txt")
    finally:
        await bench.call("run_shell", command="rm -rf ./* && ls")
    assert await asyncio.to_thread(bench.other.read_text) == SECRET


@LOOP
async def test_a_file_that_becomes_a_link_while_it_is_read_gives_nothing(bench: Bench) -> None:
    code = f"""
import os, time
end = time.monotonic() + 2
while time.monotonic() < end:
    open("new", "w").write("harmless")
    os.replace("new", "swapped.txt")
    os.symlink({str(bench.other)!r}, "new")
    os.replace("new", "swapped.txt")"""
    swapping = asyncio.create_task(bench.call("run_python", code=code))
    read, refused = 0, 0
    while not swapping.done():
        try:
            assert SECRET not in await bench.call("read_file", path="swapped.txt")
            read += 1
        except ToolCallError as error:
            assert SECRET not in str(error)
            refused += 1
    await swapping
    assert read and refused, "both were met"
