"""The MCP server `code`: Python, a shell and files in a sandbox. Run as `python -m tools.servers.code`."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Annotated, Any, TypeAlias

from mcp.server.fastmcp import Context
from pydantic import Field

from tools.code import files
from tools.code.sessions import Sessions
from tools.code.surroundings import surroundings
from tools.code.told import told
from tools.sandbox.backends import make_sandbox
from tools.sandbox.contract import Execution, Limits
from tools.servers.requests import settings, task_of, workspace_of
from tools.servers.serving import ServedTool, serve
from tools.workspace import Workspace

MAX_SECONDS = 300
MAX_CODE = 200_000
Request: TypeAlias = Context[Any, Any, Any]
Seconds = Annotated[float, Field(ge=1, le=MAX_SECONDS, description="time limit")]
Code = Annotated[str, Field(max_length=MAX_CODE, description="runs in the workspace; no network, no input")]
FilePath = Annotated[str, Field(description="in the workspace, such as data/table.csv")]


@cache
def sessions() -> Sessions:
    """The sandbox sessions of this process."""
    return Sessions(lambda: make_sandbox(settings()))


async def run_python(context: Request, code: Code, seconds: Seconds = 30) -> str:
    """Run Python; gives its output and the last expression's value. Variables stay, open figures become files."""
    workspace = workspace_of(context)
    async with sessions().use(workspace, task_of(context)) as lease:
        execution = await lease.session.run_python(code, _limits(workspace, seconds))
    return told(execution, await _sizes(workspace, execution), lost=lease.lost)


async def run_shell(context: Request, command: Code, seconds: Seconds = 30) -> str:
    """Run a shell command; gives its output. Nothing of it goes on running afterwards."""
    workspace = workspace_of(context)
    async with sessions().use(workspace, task_of(context)) as lease:
        execution = await lease.session.run_shell(command, _limits(workspace, seconds))
    return told(execution, await _sizes(workspace, execution), python=False)


def list_files(context: Request, folder: str = "") -> str:
    """List the files of the workspace, or below one of its folders: path, size, time of change."""
    return files.listing(workspace_of(context), folder)


def read_file(
    context: Request,
    path: FilePath,
    start: Annotated[int, Field(ge=1, le=100_000_000, description="first line")] = 1,
    lines: Annotated[int, Field(ge=1, le=files.MAX_LINES)] = 200,
) -> str:
    """Read lines of a text file of the workspace as they are."""
    return files.lines_of(workspace_of(context), path, start, lines)


def write_file(context: Request, path: FilePath, text: str) -> str:
    """Write a text file into the workspace; replaces what was there."""
    return files.write_text(workspace_of(context), path, text)


def edit_file(
    context: Request,
    path: FilePath,
    old: Annotated[str, Field(description="exact text that is there once")],
    new: str,
) -> str:
    """Replace one piece of a text file of the workspace."""
    return files.edit(workspace_of(context), path, old, new)


async def workspace_info(context: Request) -> str:
    """Tell the room in the workspace, the Python version, useful packages and the limits of a run."""
    workspace = workspace_of(context)
    usage = await asyncio.to_thread(workspace.usage)
    async with sessions().use(workspace, task_of(context)) as lease:
        limits = _limits(workspace, 30)
        return await surroundings(lease.session, workspace, usage.size, usage.entries, limits)


def _limits(workspace: Workspace, seconds: float) -> Limits:
    return Limits(seconds=seconds, disk=workspace.quota)


async def _sizes(workspace: Workspace, execution: Execution) -> dict[str, int]:
    if not execution.files:
        return {}
    return {each.path: each.size for each in await asyncio.to_thread(workspace.entries)}


TOOLS = (
    ServedTool(run_python, seconds=MAX_SECONDS + 60, changes=True, destroys=True, repeatable=False),
    ServedTool(run_shell, seconds=MAX_SECONDS + 60, changes=True, destroys=True, repeatable=False),
    ServedTool(list_files),
    ServedTool(read_file),
    ServedTool(write_file, changes=True, destroys=True),
    ServedTool(edit_file, changes=True, destroys=True, repeatable=False),
    ServedTool(workspace_info),
)

if __name__ == "__main__":
    serve("code", TOOLS)
