"""A session with a server, over the streams of a process or over HTTP, entered and left in one task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

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
        await self.session.initialize()
        return await listed(self.session)

    async def ended(self) -> None:
        await (self.process.ended if self.process is not None else anyio.Event()).wait()

    @property
    def fault(self) -> str:
        """Why the process ended; empty while it runs."""
        return self.process.fault if self.process is not None else ""


async def listed(session: ClientSession) -> list[BaseTool]:
    """The tools as the server lists them now."""
    from langchain_mcp_adapters.tools import load_mcp_tools

    return await load_mcp_tools(session)


@asynccontextmanager
async def connected(config: ServerConfig, log: ServerLog, tools_changed: Callable[[], None]) -> AsyncIterator[Link]:
    """Connect, and disconnect on leaving.

    Args:
        config: the server.
        log: of its standard error.
        tools_changed: called when the server says that its list of tools is another one now.

    Raises:
        ToolServerError: the process cannot be started. Faults of the network come as the library raises them.
    """
    if isinstance(config, RemoteServer):
        await anyio.to_thread.run_sync(load_library)
        from langchain_mcp_adapters.sessions import create_session

        async with create_session(_connection(config, tools_changed)) as session:
            yield Link(session, None)
        return
    async with server_process(config, log) as process:
        await anyio.to_thread.run_sync(load_library)  # while the process starts
        from mcp import ClientSession

        async with ClientSession(process.read, process.write, message_handler=_handler(tools_changed)) as session:
            yield Link(session, process)


def _handler(tools_changed: Callable[[], None]) -> Any:
    from mcp.types import ServerNotification, ToolListChangedNotification

    async def handle(message: Any) -> None:
        if isinstance(message, ServerNotification) and isinstance(message.root, ToolListChangedNotification):
            tools_changed()
        await anyio.lowlevel.checkpoint()

    return handle


def _connection(config: RemoteServer, tools_changed: Callable[[], None]) -> Any:
    kwargs = {"message_handler": _handler(tools_changed)}
    return {"transport": config.transport, "url": config.url, "headers": config.headers, "session_kwargs": kwargs}
