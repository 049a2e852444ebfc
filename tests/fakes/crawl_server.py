"""The real crawl server as a process, with the sites of a test as its web."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from tests.fakes.mcp_servers.running import by_name, configured
from tests.project_files import ROOT
from tools.client import open_tools

SECONDS = 100


@dataclass(frozen=True, slots=True)
class Crawl:
    """A running server; `seconds` is what the last call took."""

    tools: dict[str, BaseTool]
    home: Path
    took: list[float]

    async def page(self, url: str, **more: Any) -> str:
        return await self.call("crawl_page", url=url, **more)

    async def extract(self, *urls: str, query: str, **more: Any) -> str:
        return await self.call("crawl_extract", urls=list(urls), query=query, **more)

    async def call(self, tool: str, **arguments: Any) -> str:
        started = time.monotonic()
        try:
            return str(await self.tools[tool].ainvoke(arguments))
        finally:
            self.took.append(time.monotonic() - started)

    @property
    def seconds(self) -> float:
        return round(self.took[-1], 2)


def crawl_entry(home: Path, hosts: Sequence[str], **env: str) -> dict[str, Any]:
    """The entry of the server in an mcp.json; `hosts` are reached although they are on loopback."""
    variables = {"PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(home), "MEMENTO_PRIVATE_HOSTS": ",".join(hosts), **env}
    return {"command": sys.executable, "args": ["-P", "-m", "tools.servers.crawl"], "env": variables}


@asynccontextmanager
async def crawl_server(home: Path, hosts: Sequence[str], **env: str) -> AsyncIterator[Crawl]:
    """Start it, through the ToolBox as the executor does."""
    settings = await configured(home, {"crawl": crawl_entry(home, hosts, **env)}, tool_timeout=SECONDS)
    async with open_tools(settings) as box:
        tools = await by_name(box)
        assert box.failures() == {}
        yield Crawl(tools, home, [])


async def eventually(condition: Any, seconds: float = 20) -> None:
    """Until it is true; it may block."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, "it did not come true"
        await asyncio.sleep(0.1)
