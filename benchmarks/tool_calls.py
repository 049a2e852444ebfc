"""What a tool call costs through the agent's tool layer: `python -m benchmarks.tool_calls [--json FILE]`.

The layer: LangChain's tool, masking of secrets, fitting of arguments, the way into the servers' own thread, the held
session, cleaning of the result. Beside it the bare round trip: `ClientSession.call_tool` of the MCP library over its
own stdio transport. Both call the same tool of two processes of the same server, in turns, so that whatever else the
machine does meets both; the ratio is that of the lower quartiles of a round, and the median over the rounds is told
with the smallest and the largest. Start-up: all tools listed without a server, and the first call, which starts one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from configs.settings import Settings, environment_without_secrets, load_settings
from graph.masked_tools import MaskedTools
from graph.masking import Mask
from graph.telling import RunEnds, Teller
from tools.client import open_tools
from tools.mcp_config import StdioServer, load_servers
from tools.references import with_references

GOAL = 1.5
ROUNDS, CALLS = 15, 60
WARM_UP = 20
TOOL, ARGUMENTS, SERVER = "multiply", {"a": 48, "b": 37}, "math"
Call: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one call, the ratio with its range over the rounds, seconds of start-up."""

    bare: float
    agent: float
    ratio: float
    lowest: float
    highest: float
    listed: float
    first_call: float

    @property
    def met(self) -> bool:
        return self.ratio <= GOAL


def main() -> int:
    """Measure, print, and tell by the exit code whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memento-bench-") as home:
        found = asyncio.run(measure(load_settings(overrides=[f"home={home}"]), options.rounds))
    print(f"bare MCP round trip       {found.bare * 1e3:8.2f} ms")
    print(f"through the agent         {found.agent * 1e3:8.2f} ms")
    verdict = f"goal {GOAL}: {'met' if found.met else 'MISSED'}"
    print(f"ratio                     {found.ratio:8.2f}    {found.lowest:.2f} to {found.highest:.2f}; {verdict}")
    print(f"all tools listed          {found.listed * 1e3:8.0f} ms without starting a server")
    print(f"first call of a tool      {found.first_call * 1e3:8.0f} ms, its server's start among them")
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(found), indent=1), encoding="utf-8")
    return 0 if found.met else 1


async def measure(settings: Settings, rounds: int = ROUNDS, calls: int = CALLS) -> Measured:
    """Both ways in turns, after the start-up."""
    async with open_tools(settings) as box:
        began = time.perf_counter()
        tools = {tool.name: tool for tool in await MaskedTools(box, Mask.of(["a-secret-of-some-length"])).tools()}
        listed = time.perf_counter() - began
        told = {"thread_id": "bench", "task_id": "bench", "progress": lambda done, total, text: None}
        config: Any = {"configurable": told, "callbacks": [RunEnds(Teller())]}  # as in a run

        async def agent() -> object:
            return await tools[TOOL].ainvoke(ARGUMENTS, config)

        began = time.perf_counter()
        assert await agent() == "1776"  # noqa: S101  what is measured works
        first = time.perf_counter() - began
        async with bare_session(settings) as session:

            async def bare() -> object:
                return await session.call_tool(TOOL, ARGUMENTS)

            pairs = await in_turns(bare, agent, rounds, calls)
    ratios = [agent / bare for bare, agent in pairs]
    return Measured(
        statistics.median(bare for bare, _ in pairs),
        statistics.median(agent for _, agent in pairs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        listed,
        first,
    )


async def in_turns(bare: Call, agent: Call, rounds: int, calls: int) -> list[tuple[float, float]]:
    """What both take in each round, in seconds."""
    for _ in range(WARM_UP):
        await bare()
        await agent()
    pairs = []
    for _ in range(rounds):
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(calls):
            for call, times in zip((bare, agent), taken, strict=True):
                began = time.perf_counter()
                await call()
                times.append(time.perf_counter() - began)
        pairs.append((undisturbed(taken[0]), undisturbed(taken[1])))
    return pairs


def undisturbed(times: list[float]) -> float:
    """The lower quartile: what other programs of the machine add to a call is no cost of it."""
    return statistics.quantiles(times, n=4)[0]


@asynccontextmanager
async def bare_session(settings: Settings) -> AsyncIterator[Any]:
    """A session of the library with the server, and nothing of ours between."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    (found,) = [server for server in await asyncio.to_thread(load_servers, settings) if server.name == SERVER]
    server = await asyncio.to_thread(with_references, found)
    assert isinstance(server, StdioServer)  # noqa: S101  ours is one
    env = {**environment_without_secrets(), **server.env}
    parameters = StdioServerParameters(command=server.command, args=list(server.args), env=env, cwd=server.cwd)
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        await session.list_tools()
        yield session


if __name__ == "__main__":
    raise SystemExit(main())
