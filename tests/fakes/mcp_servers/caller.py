"""A server of typed tools that tells whose call it got, and how far it is."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from mcp.server.fastmcp import Context

from tools.servers.requests import progress_of, task_of, workspace_of
from tools.servers.serving import ServedTool, serve


def whose(context: Context[Any, Any, Any]) -> str:
    """Tell the workspace and the task of the call."""
    return json.dumps([workspace_of(context).folder.name, task_of(context)])


def environment() -> str:
    """Tell the environment."""
    return json.dumps(dict(os.environ))


async def work(steps: int, pause: float, context: Context[Any, Any, Any]) -> str:
    """Work for so many steps, telling of each."""
    report = progress_of(context)
    for step in range(1, steps + 1):
        await asyncio.sleep(pause)
        await report(step, steps, f"step {step}")
    return "worked"


async def sleep(seconds: float) -> str:
    """Sleep and say nothing."""
    await asyncio.sleep(seconds)
    return "slept"


if __name__ == "__main__":
    serve("caller", [whose, environment, work, ServedTool(sleep, seconds=90)])
