"""One MCP server with a session that is held: started, called, restarted after it died, stopped. Lives in one loop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from anyio.abc import TaskStatus

from configs.errors import MementoError, ToolCallError, ToolServerError
from tools.caller import Caller
from tools.connection import Link, connected
from tools.listed_tool import ListedTool, listed
from tools.mcp_config import ServerConfig, StdioServer
from tools.process_session import BegunProcesses
from tools.references import with_references
from tools.result_text import clean, error_text
from tools.saved_files import told
from tools.server_log import ServerLog
from tools.session_end import GONE, SESSION_ENDED, answers, give_up, leaf_text
from tools.surroundings import Surroundings
from tools.timed_call import NoAnswerError, ToolRequest, timed_call
from tools.tool_pins import ToolPins

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

STOP_SECONDS = 4.0
ENDING_SECONDS = 1.0
LEAVING_SECONDS = 0.5
"""For a tool to end what it has begun, after it was told that nobody waits any more."""
LIST_SECONDS = 10.0
RESTART_PAUSE = 5.0
"""After a restart that failed; calls fail at once meanwhile."""
_logger = logging.getLogger(__name__)


class HeldServer:
    """Owns the session of one server in a task of its own, so that errors keep their type and stay with the server."""

    def __init__(self, config: ServerConfig, log: ServerLog, around: Surroundings) -> None:
        self.name = config.name
        self.fault = ""
        """Why it could not be started when it was last called, for the operator; empty where it could."""
        self._config = config
        self._log = log
        self._around = around
        self._pins = ToolPins(config.name)
        self._stale = False
        self._not_before = 0.0
        self._lock = anyio.Lock()
        self._session: ClientSession | None = None
        self._doubtful = False
        self._cancelled = False
        self._has_run = False
        self._processes = BegunProcesses()
        self._reason = "was stopped"
        self._calls: set[anyio.CancelScope] = set()
        self._stop = anyio.Event()
        self._stopped = anyio.Event()
        self._stopped.set()

    def tools(self) -> list[ListedTool]:
        """The tools that can be called, names and schemas as the server published them first; see ToolPins."""
        return self._pins.current()

    async def recall(self) -> bool:
        """Take up its tools from an earlier listing, without starting it; whether there is one."""
        known = await anyio.to_thread.run_sync(self._around.listings.known, self._config)
        if known is not None:
            self._pins.take(known)
        return known is not None

    @property
    def listings(self) -> int:
        """How often the tools were listed; the same number means the same tools."""
        return self._pins.listings

    async def refresh(self) -> None:
        """Start the server if it is not running, and list its tools again if it said that they have changed.

        Raises:
            ToolServerError, ConfigurationError: as `start`.
        """
        async with self._lock:
            if self._session is None:
                await self._stopped.wait()
                await self.start()
            elif self._stale:
                await self._list(self._session)

    @property
    def stale(self) -> bool:
        """Whether the server said that its tools have changed since they were listed."""
        return self._stale and self._session is not None

    async def start(self) -> None:
        """Start the server and list its tools.

        Raises:
            ToolServerError: it does not start; the message is one line that goes on after the server's name.
            ConfigurationError: its configuration names an environment variable that is not set.
        """
        config = await anyio.to_thread.run_sync(with_references, self._config)
        self._stop, self._stopped, self._doubtful = anyio.Event(), anyio.Event(), False
        self._stale = False
        self._reason = "was stopped"
        try:
            with anyio.fail_after(self._around.start_timeout):
                await self._around.owners.start(self._own, config)
        except TimeoutError:
            raise ToolServerError(f"did not start within {self._around.start_timeout:g} s") from None
        except MementoError:
            raise
        except RuntimeError as error:  # how anyio tells that the group was cancelled meanwhile
            raise ToolServerError(self._reason) from error

    async def call(self, tool: str, arguments: dict[str, Any], caller: Caller) -> str:
        """Call a tool and give its result as clean text; a server that is not there, or not any more, is started once.

        Files in the result are saved in the caller's workspace.

        Raises:
            ToolCallError: the tool refused its arguments or failed; the message is its own.
            ToolServerError: the server died, hangs, answers nonsense or cannot be started again.
        """
        session = await self._answering_session()
        if fault := self._pins.fault(tool):
            raise ToolServerError(self._line(fault))
        with anyio.CancelScope() as ended:
            self._calls.add(ended)
            try:
                result = await self._call(session, self._request(tool, arguments, caller), ended)
            finally:
                self._calls.discard(ended)
                if self._cancelled and not self._calls:
                    self._around.owners.start_soon(self._end_what_is_left, session)
        if ended.cancelled_caught:
            raise ToolServerError(self._line(self._reason))
        if result.isError:
            raise ToolCallError(error_text(result))
        return await told(result, self._around.folders(caller.workspace))

    def _request(self, tool: str, arguments: dict[str, Any], caller: Caller) -> ToolRequest:
        """Bundled servers are told who calls, and may publish a longer limit, which they keep themselves."""
        if not isinstance(self._config, StdioServer) or not self._config.bundled:
            return ToolRequest(tool, arguments, caller, None, self._around.call_timeout)
        published = self._pins.seconds(tool)
        seconds = max(self._around.call_timeout, published + LEAVING_SECONDS if published is not None else 0.0)
        return ToolRequest(tool, arguments, caller, caller.meta(), seconds)

    async def stop(self) -> None:
        """End the session and the process; bounded in time."""
        self._stop.set()
        with anyio.move_on_after(STOP_SECONDS):
            await self._stopped.wait()

    async def _answering_session(self) -> ClientSession:
        if self._session is not None and not self._doubtful and not self._stale and not self._lock.locked():
            return self._session
        async with self._lock:
            if self._session is not None and self._doubtful:
                self._doubtful = not await answers(self._session)
                if self._doubtful:
                    self._reason = "did not answer and was stopped"
                    await self.stop()
            if self._session is None:
                await self._restart()
            elif self._stale:
                await self._list(self._session)
            if self._session is None:
                raise ToolServerError(self._line(self._reason))
            return self._session

    async def _list(self, session: ClientSession) -> None:
        """List the tools again; where that fails the old ones stand, and the next call finds out why."""
        self._stale = False
        try:
            with anyio.fail_after(LIST_SECONDS):
                await self._take(await listed(session))
        except Exception:  # boundary: a server's answer, in any form
            _logger.info("the tools of %s cannot be listed again", self.name, exc_info=True)
            self._doubtful = True

    async def _restart(self) -> None:
        await self._stopped.wait()
        try:
            if anyio.current_time() < self._not_before:
                raise ToolServerError("was tried a moment ago")
            self._not_before = anyio.current_time() + self._around.start_timeout + RESTART_PAUSE
            await self.start()
            self._not_before, self.fault = 0.0, ""
        except MementoError as error:  # its text is the operator's: it may hold paths and the server's last words
            _logger.info("%s cannot be started: %s", self.name, error)
            self.fault = self.fault or str(error)
            again = " again" if self._has_run else ""
            raise ToolServerError(self._line(f"cannot be started{again}")) from error

    async def _take(self, tools: list[ListedTool]) -> None:
        await anyio.to_thread.run_sync(self._around.listings.keep, self._config, tools)
        self._pins.take(tools)

    async def _call(self, session: ClientSession, request: ToolRequest, ended: anyio.CancelScope) -> CallToolResult:
        from mcp import McpError

        number = session._request_id  # the id of the next request; the library tells it nowhere else
        try:
            return await timed_call(session, request)
        except NoAnswerError as error:
            self._doubtful = True
            await give_up(session, number)
            raise ToolServerError(self._line(str(error))) from None
        except anyio.get_cancelled_exc_class():
            if not ended.cancel_called:
                self._doubtful = self._cancelled = True
                await give_up(session, number)
            raise
        except McpError as error:
            if error.error.code in SESSION_ENDED:
                raise await self._ended_session() from error
            raise ToolCallError(clean(error.error.message)) from error
        except GONE as error:
            raise await self._ended_session() from error
        except Exception as error:  # boundary of a tool call
            _logger.info("a call of %s failed", self.name, exc_info=True)
            self._doubtful = True
            raise ToolServerError(self._line("answered outside the protocol or its own schema")) from error

    async def _ended_session(self) -> ToolServerError:
        """Where a process ended, the owner task knows why and ends this call within a moment."""
        self._doubtful = True
        await anyio.sleep(ENDING_SECONDS)
        return ToolServerError(self._line("ended the session"))

    async def _end_what_is_left(self, session: ClientSession) -> None:
        """A server that still runs processes it began for a cancelled call is stopped, and they with it.

        The calls of others are waited for: the last of them asks again. The next call starts the server again.
        """
        await anyio.sleep(LEAVING_SECONDS)
        async with self._lock:
            if self._session is session and not self._calls:
                self._cancelled = False
                if await self._processes.begun():
                    self._reason = "was stopped after a cancelled call"
                    await self.stop()

    def _tools_changed(self) -> None:
        self._stale = True

    async def _own(self, config: ServerConfig, *, task_status: TaskStatus[None]) -> None:
        """The owner task: everything of the session is entered, awaited and left here."""
        started = False
        link: Link | None = None
        try:
            async with connected(config, self._log, self._tools_changed) as link:
                tools = await link.open()
                await self._processes.note(link.process.process.pid if link.process is not None else None)
                await self._take(tools)
                self._session, self._has_run = link.session, True
                task_status.started()
                started = True
                await self._until_ended(link)
        except Exception as error:  # boundary: one server's end is its own
            _logger.info("the session of %s ended", self.name, exc_info=True)
            if not started:
                raise ToolServerError(self._start_fault(link, error)) from error
        finally:
            self._session = None
            self._stopped.set()

    async def _until_ended(self, link: Link) -> None:
        async with anyio.create_task_group() as waiting:
            for wait in (link.ended, self._stop.wait):
                waiting.start_soon(_cancel_after, wait, waiting.cancel_scope)
        self._session = None
        self._reason = link.fault or self._reason
        for call in tuple(self._calls):
            call.cancel()

    def _start_fault(self, link: Link | None, error: Exception) -> str:
        fault = (link.fault if link is not None else "") or leaf_text(error)
        last = self._log.last_line
        return f"{fault}; it last said: {last}" if last else fault

    def _line(self, fault: str) -> str:
        return f"tool server {self.name!r} {fault}"


async def _cancel_after(wait: Any, scope: anyio.CancelScope) -> None:
    await wait()
    scope.cancel()
