"""A session with a server, over the streams of a process or over HTTP, entered and left in one task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel

from tools.bounded_http import RemoteEnd, bounded_client
from tools.library import load_library, load_remote_library
from tools.listed_tool import ListedTool, listed
from tools.mcp_config import RemoteServer, ServerConfig
from tools.server_log import ServerLog
from tools.server_process import TOO_MANY, Pace, ServerProcess, server_process

if TYPE_CHECKING:
    from mcp import ClientSession


@dataclass(frozen=True, slots=True)
class Link:
    """An open session, and what is behind it: a process, or what tells of the end of a connection."""

    session: ClientSession
    behind: ServerProcess | RemoteEnd

    @property
    def process(self) -> ServerProcess | None:
        return self.behind if isinstance(self.behind, ServerProcess) else None

    async def open(self) -> list[ListedTool]:
        """Greet the server and list its tools."""
        await self.session.initialize()
        return await listed(self.session)

    async def ended(self) -> None:
        await self.behind.ended.wait()

    @property
    def fault(self) -> str:
        """Why it ended; empty while it goes on."""
        return self.behind.fault


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
        await anyio.to_thread.run_sync(load_remote_library)
        from langchain_mcp_adapters.sessions import create_session

        end = RemoteEnd()
        async with create_session(_connection(config, tools_changed, end)) as session:
            yield Link(session, end)
        return
    async with server_process(config, log) as process:
        await anyio.to_thread.run_sync(load_library)  # while the process starts
        from mcp import ClientSession

        read, write = cast("Any", process.read), cast("Any", process.write)  # what a session does with its streams
        async with ClientSession(read, write, message_handler=_handler(tools_changed)) as session:
            yield Link(session, process)


def _handler(tools_changed: Callable[[], None], end: RemoteEnd | None = None) -> Any:
    """What the session tells of what nobody asked for; a process counts its messages itself."""
    from mcp.types import ServerNotification, ToolListChangedNotification

    pace = Pace(anyio.current_time())

    async def handle(message: Any) -> None:
        if end is not None and pace.exceeded(anyio.current_time()):
            end.end(TOO_MANY)
        if isinstance(message, ServerNotification) and isinstance(message.root, ToolListChangedNotification):
            tools_changed()
        await anyio.lowlevel.checkpoint()

    return handle


def _connection(config: RemoteServer, tools_changed: Callable[[], None], end: RemoteEnd) -> Any:
    return {
        "transport": config.transport,
        "url": config.url,
        "headers": config.headers,
        "session_kwargs": {"message_handler": _handler(tools_changed, end)},
        "httpx_client_factory": partial(bounded_client, end),
    }
