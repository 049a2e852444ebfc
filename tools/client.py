"""The tools the executor may call: MCP servers whose sessions are held, behind plain LangChain tools."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from configs.errors import ToolServerError
from configs.settings import Settings
from tools.mcp_config import ServerConfig, load_servers

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from tools.server_loop import ServerLoop

START_TIMEOUT = 30.0
RETRY_AFTER = 60.0
"""Until a server that did not start is tried again, in the background of a later `tools()`; twice as long each time."""


@asynccontextmanager
async def open_tools(settings: Settings) -> AsyncIterator[ToolBox]:
    """The tools of the configured servers. Reads the configuration and starts nothing; on leaving, all is stopped.

    Raises:
        ConfigurationError: an mcp.json cannot be read.
    """
    box = ToolBox(await asyncio.to_thread(load_servers, settings), settings)
    try:
        yield box
    finally:
        await box.aclose()


class ToolBox:
    """Starts the servers at first use and holds them in a thread of its own; to be used from any event loop."""

    def __init__(
        self,
        servers: list[ServerConfig],
        settings: Settings,
        *,
        start_timeout: float = START_TIMEOUT,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self._servers = servers
        self._settings = settings
        self._start_timeout = start_timeout
        self._retry_after = retry_after
        self._lock = threading.Lock()
        self._loop: ServerLoop | None = None
        self._closed = False

    async def tools(self) -> list[BaseTool]:
        """Every tool of every server that is there, names unique.

        A server whose tools are known from an earlier listing is started when one of them is called; the others are
        started now, in parallel. Later calls take up what servers list anew. A tool that changed is missing, and its
        calls fail.

        Raises:
            ToolServerError: the tools are closed.
        """
        return await (await self._held()).tools()

    async def start(self) -> None:
        """Start every server, in parallel; `failures` tells of those that did not.

        Raises:
            ToolServerError: the tools are closed.
        """
        await (await self._held()).start()

    def failures(self) -> dict[str, str]:
        """For each server that did not start when it was needed: why, in a line that goes on after its name."""
        return self._loop.failures if self._loop is not None else {}

    async def aclose(self) -> None:
        """Stop all servers; at most 5 s. Calls under way end with ToolServerError."""
        await asyncio.shield(asyncio.to_thread(self._close))

    async def _held(self) -> ServerLoop:
        loop = self._loop if not self._closed else None
        return loop if loop is not None else await asyncio.to_thread(self._running_loop)

    def _running_loop(self) -> ServerLoop:
        from tools.server_loop import CLOSED, ServerLoop

        with self._lock:
            if self._closed:
                raise ToolServerError(CLOSED)
            if self._loop is None:
                loop = ServerLoop(
                    self._servers,
                    self._settings,
                    start_timeout=self._start_timeout,
                    retry_after=self._retry_after,
                )
                loop.open()
                self._loop = loop
            return self._loop

    def _close(self) -> None:
        with self._lock:
            if not self._closed and self._loop is not None:
                self._loop.close()
            self._closed = True
