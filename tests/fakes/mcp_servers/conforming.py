"""The tools that the official conformance suite asks for, as far as our servers have their like."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.fastmcp import Context

from tools.servers.requests import progress_of
from tools.servers.serving import serve


def test_simple_text() -> str:
    """Give a text."""
    return "This is a simple text response for testing."


def test_error_handling() -> str:
    """Fail."""
    raise ValueError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(context: Context[Any, Any, Any]) -> str:
    """Tell of progress."""
    report = progress_of(context)
    for done in (0, 50, 100):
        await report(done, 100, f"{done} of 100")
        await asyncio.sleep(0.05)
    return "done"


if __name__ == "__main__":
    serve("conforming", [test_simple_text, test_error_handling, test_tool_with_progress])
