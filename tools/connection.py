"""A session with a server, over the streams of a process or over HTTP, entered and left in one task."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from tools.library import load_library
from tools.mcp_config import RemoteServer, ServerConfig
from tools.server_log import ServerLog
from tools.server_process import ServerProcess, server_process

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool
    from mcp import ClientSession


@dataclass(frozen=True, slots=True)
class Link:
    """An open session, and the process behind it where there is one."""

    session: ClientSession
    process: ServerProcess | None

    async def open(self) -> list[BaseTool]:
        """Greet the server and list its tools."""
        from langchain_mcp_adapters.tools import load_mcp_tools

        await self.session.initialize()
        return await load_mcp_tools(self.session)

    async def ended(self) -> None:
        await (self.process.ended if self.process is not None else anyio.Event()).wait()

    @property
    def fault(self) -> str:
        """Why the process ended; empty while it runs."""
        return self.process.fault if self.process is not None else ""


@asynccontextmanager
async def connected(config: ServerConfig, log: ServerLog) -> AsyncIterator[Link]:
    """Connect, and disconnect on leaving.

    Raises:
        ToolServerError: the process cannot be started. Faults of the network come as the library raises them.
    """
    if isinstance(config, RemoteServer):
        await anyio.to_thread.run_sync(load_library)
        from langchain_mcp_adapters.sessions import create_session

        async with create_session(_connection(config)) as session:
            yield Link(session, None)
        return
    async with server_process(config, log) as process:
        await anyio.to_thread.run_sync(load_library)  # while the process starts
        from mcp import ClientSession

        async with ClientSession(process.read, process.write) as session:
            yield Link(session, process)


def _connection(config: RemoteServer) -> Any:
    return {"transport": config.transport, "url": config.url, "headers": config.headers}
