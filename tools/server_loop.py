"""The thread and event loop in which all servers of one ToolBox live, and the way in from other loops."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup
from langchain_core.tools import BaseTool

from configs.errors import MementoError, ToolServerError
from configs.settings import Settings
from tools.caller import Caller, heard_here
from tools.held_server import HeldServer
from tools.listed_tool import ListedTool
from tools.listings import Listings
from tools.mcp_config import ServerConfig
from tools.other_loop import OtherLoop
from tools.remote_tool import RemoteTool
from tools.result_text import clean
from tools.server_log import ServerLog
from tools.surroundings import Surroundings
from tools.tool_names import unique_names
from tools.workspace import Workspace
from tools.workspaces import workspace

POLITE_SECONDS = 1.0
"""For ending sessions in order, before they are cancelled; a process then takes at most 3 s more."""
CLOSE_SECONDS = 4.5
CLOSED = "the tools are closed"
RESERVED = frozenset({"find_tools", "read_result"})
"""Names of the agent's own tools; see nodes.tool_choice and nodes.whole_results."""
MAX_PAUSE = 600.0
STARTED_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
"""Of all servers: each takes a processor for half a second, and has only so long to start."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """When a server that did not start is tried again, and how long it was put off."""

    at: float
    pause: float


class ServerLoop:
    """Starts servers at the first `tools()` and holds them until `close()`."""

    def __init__(
        self, configs: list[ServerConfig], settings: Settings, *, start_timeout: float, retry_after: float
    ) -> None:
        self._failures: dict[str, str] = {}
        self._configs = configs
        self._settings = settings
        self._start_timeout = start_timeout
        self._retry_after = retry_after
        self._retries: dict[str, Retry] = {}
        self._servers: list[HeldServer] = []
        self._tools: dict[tuple[str, str], RemoteTool] = {}
        self._known: list[BaseTool] | None = None
        self._known_at = -1
        self._starting = False
        self._ready = threading.Event()
        self._way_in: OtherLoop
        self._loop: asyncio.AbstractEventLoop
        self._owners: TaskGroup
        self._started: anyio.Event
        self._over: anyio.Event
        self._thread = threading.Thread(target=anyio.run, args=(self._main,), name="mcp-servers", daemon=True)

    def open(self) -> None:
        """Start the thread. Blocks for a moment."""
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Stop all servers and the thread. Blocks for at most POLITE_SECONDS + CLOSE_SECONDS, mostly far less."""
        try:
            asyncio.run_coroutine_threadsafe(self._stop_all(), self._loop).result(CLOSE_SECONDS)
        except (CancelledError, FutureTimeoutError, RuntimeError):
            _logger.info("the MCP servers did not stop in order", exc_info=True)
        self._thread.join(CLOSE_SECONDS)

    async def tools(self) -> list[BaseTool]:
        """Every tool there is, from any event loop.

        Raises:
            ToolServerError: closed meanwhile.
        """
        found = self._known
        if found is None or self._something_new():
            found = await self._inside(self._all_tools)
        return list(found)

    async def start(self) -> None:
        """Start every server that is not running, in parallel.

        Raises:
            ToolServerError: closed meanwhile.
        """
        await self._inside(self._start_every)

    @property
    def failures(self) -> dict[str, str]:
        """For each server that did not start when it was last tried: why."""
        return {**{server.name: server.fault for server in self._servers if server.fault}, **self._failures}

    def _something_new(self) -> bool:
        """Whether a server has listed its tools anew, wants to, or did not start and is to be tried again."""
        now, retries = time.monotonic(), tuple(self._retries.values())
        return (
            self._listings() != self._known_at
            or any(each.at <= now for each in retries)
            or any(server.stale for server in self._servers)
        )

    async def _inside(self, function: Any, *arguments: Any) -> Any:
        """Await a coroutine function in the servers' loop; cancelling the caller cancels it there."""
        try:
            return await self._way_in.awaited(function, *arguments)
        except MementoError:
            raise
        except RuntimeError as error:
            raise ToolServerError(CLOSED) from error

    async def _main(self) -> None:
        self._loop, self._way_in = asyncio.get_running_loop(), OtherLoop()
        self._started, self._over = anyio.Event(), anyio.Event()
        try:
            async with anyio.create_task_group() as self._owners:
                self._ready.set()
                await self._over.wait()
                self._owners.cancel_scope.cancel()
        finally:
            self._way_in.close()

    async def _stop_all(self) -> None:
        with anyio.move_on_after(POLITE_SECONDS):
            async with anyio.create_task_group() as stopping:
                for server in self._servers:
                    stopping.start_soon(server.stop)
        self._way_in.close()
        self._over.set()

    async def _all_tools(self) -> list[BaseTool]:
        if not self._starting:
            self._starting = True
            self._owners.start_soon(self._start_all)
        await self._started.wait()
        for server in self._servers:
            retry = self._retries.get(server.name)
            if retry is not None and time.monotonic() >= retry.at:
                self._retries[server.name] = Retry(math.inf, retry.pause)
                self._owners.start_soon(self._start, server)
            elif server.stale:
                await self._start(server)
        return self._current()

    async def _start_all(self) -> None:
        """Start the servers whose tools are not known; the others wait until one of their tools is called."""
        around = Surroundings(
            self._owners,
            Listings(self._settings.home),
            self._workspace,
            self._start_timeout,
            self._settings.tool_timeout,
        )
        logs = self._settings.home / "logs"
        self._servers = [HeldServer(config, ServerLog(logs, config.name), around) for config in self._configs]
        async with anyio.create_task_group() as starting:
            for server in self._servers:
                starting.start_soon(self._recall_or_start, server)
        self._started.set()

    async def _start_every(self) -> None:
        await self._all_tools()
        places = anyio.Semaphore(STARTED_AT_ONCE)
        async with anyio.create_task_group() as starting:
            for server in self._servers:
                starting.start_soon(self._start_in_turn, server, places)

    async def _start_in_turn(self, server: HeldServer, places: anyio.Semaphore) -> None:
        async with places:
            await self._start(server)

    async def _recall_or_start(self, server: HeldServer) -> None:
        if not await server.recall():
            await self._start(server)

    async def _start(self, server: HeldServer) -> None:
        try:
            await server.refresh()
        except MementoError as error:
            self._failures[server.name] = str(error)
            self._put_off(server.name)
        else:
            server.fault = ""
            self._failures.pop(server.name, None)
            self._retries.pop(server.name, None)

    def _put_off(self, name: str) -> None:
        """Try a server that does not start again later, and later each time."""
        known = self._retries.get(name)
        pause = min(known.pause * 2, MAX_PAUSE) if known is not None else self._retry_after
        self._retries[name] = Retry(time.monotonic() + pause, pause)

    def _current(self) -> list[BaseTool]:
        """The tools of all servers; a name once given to a tool stays with it."""
        self._known_at = self._listings()
        entries = [(server, tool) for server in self._there() for tool in server.tools()]
        new = [entry for entry in entries if (entry[0].name, entry[1].name) not in self._tools]
        taken = {*RESERVED, *(tool.name for tool in self._tools.values())}
        names = unique_names([(server.name, tool.name) for server, tool in new], taken)
        for name, (server, tool) in zip(names, new, strict=True):
            self._tools[server.name, tool.name] = self._remote(name, server, tool)
        self._known = [self._tools[server.name, tool.name] for server, tool in entries]
        return self._known

    def _there(self) -> list[HeldServer]:
        """The servers whose tools are shown: one that failed is told of until the failure is over."""
        return [server for server in self._servers if server.name not in self._failures]

    def _listings(self) -> int:
        return sum(server.listings for server in self._there())

    def _workspace(self, name: str) -> Workspace:
        return workspace(self._settings.home, name, self._settings.workspace_bytes)

    def _remote(self, name: str, server: HeldServer, tool: ListedTool) -> RemoteTool:
        async def call(arguments: dict[str, Any], caller: Caller) -> str:
            text: str = await self._inside(server.call, tool.name, arguments, heard_here(caller))
            return text

        metadata = {**tool.hints, "server": server.name, "tool": tool.name}
        return RemoteTool(
            call, name=name, description=clean(tool.description), args_schema=tool.schema, metadata=metadata
        )
