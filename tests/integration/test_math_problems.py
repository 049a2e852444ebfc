"""The server `math` as a process, on published problems with exact answers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tests.fakes import reasoning_problems as problems
from tests.fakes.mcp_servers.running import by_name
from tests.fakes.one_server import settings_with
from tests.fakes.tool_table import Row, note
from tools.client import open_tools

COUNT = 25


async def test_published_problems_are_solved_exactly(home: Path) -> None:
    equations = await asyncio.to_thread(problems.equations, COUNT)
    assert len(equations) > COUNT - 3
    sums = await asyncio.to_thread(problems.sums, COUNT)
    async with open_tools(await settings_with(home, "math", "tools.servers.math")) as box:
        tools = await by_name(box)
        started = time.monotonic()
        for equation, unknown, value in equations:
            assert await tools["solve"].ainvoke({"equations": equation}) == f"{unknown} = {value}"
        middle = time.monotonic()
        for expression, value in sums:
            assert await tools["calculate"].ainvoke({"expression": expression}) == value
        ended = time.monotonic()
        with pytest.raises(ToolCallError, match="an exponent is at most 100"):
            await tools["solve"].ainvoke({"equations": "9**9**9 = x"})
    each = ("all values are right", "the generator's exact answers")
    note(
        Row(
            "math",
            "solve",
            f"{len(equations)} equations",
            problems.ORIGIN,
            *each,
            round((middle - started) / len(equations), 2),
        )
    )
    note(Row("math", "calculate", f"{COUNT} expressions", problems.ORIGIN, *each, round((ended - middle) / COUNT, 3)))
