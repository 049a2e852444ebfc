"""One MCP server with a session that is held: started, called, restarted after it died, stopped. Lives in one loop."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus
from langchain_core.tools import BaseTool

from configs.errors import MementoError, ToolCallError, ToolServerError
from tools.connection import Link, connected
from tools.mcp_config import ServerConfig, with_references
from tools.process_session import members
from tools.result_text import clean, error_text, result_text
from tools.server_log import ServerLog

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

PING_SECONDS = 2.0
NOTICE_SECONDS = 0.5
STOP_SECONDS = 4.0
ENDING_SECONDS = 1.0
LEAVING_SECONDS = 0.5
"""For a tool to end what it has begun, after it was told that nobody waits any more."""
SESSION_ENDED = (-32000, 32600)
"""The codes under which the library reports a session that is gone: mcp.types.CONNECTION_CLOSED, and a remote one."""
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError)
_logger = logging.getLogger(__name__)
Seconds: TypeAlias = float


class HeldServer:
    """Owns the session of one server in a task of its own, so that errors keep their type and stay with the server."""

    def __init__(
        self, config: ServerConfig, owners: TaskGroup, log: ServerLog, *, start_timeout: Seconds, call_timeout: Seconds
    ) -> None:
        self.name = config.name
        self._config = config
        self._owners = owners
        self._log = log
        self._start_timeout = start_timeout
        self._call_timeout = call_timeout
        self._lock = anyio.Lock()
        self._session: ClientSession | None = None
        self._doubtful = False
        self._cancelled = False
        self._process: int | None = None
        self._own_processes: frozenset[int] = frozenset()
        self._reason = "was stopped"
        self._calls: set[anyio.CancelScope] = set()
        self._stop = anyio.Event()
        self._stopped = anyio.Event()
        self._stopped.set()

    async def start(self) -> list[BaseTool]:
        """Start the server and list its tools, names and schemas as it publishes them.

        Raises:
            ToolServerError: it does not start; the message is one line that goes on after the server's name.
            ConfigurationError: its configuration names an environment variable that is not set.
        """
        config = await anyio.to_thread.run_sync(with_references, self._config)
        self._stop, self._stopped, self._doubtful = anyio.Event(), anyio.Event(), False
        self._reason = "was stopped"
        try:
            with anyio.fail_after(self._start_timeout):
                tools: list[BaseTool] = await self._owners.start(self._own, config)
        except TimeoutError:
            raise ToolServerError(f"did not start within {self._start_timeout:g} s") from None
        except MementoError:
            raise
        except RuntimeError as error:  # how anyio tells that the group was cancelled meanwhile
            raise ToolServerError(self._reason) from error
        return tools

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """Call a tool and give its result as clean text; a server that is not there any more is started once.

        Raises:
            ToolCallError: the tool refused its arguments or failed; the message is its own.
            ToolServerError: the server died, hangs, answers nonsense or cannot be started again.
        """
        session = await self._answering_session()
        with anyio.CancelScope() as ended:
            self._calls.add(ended)
            try:
                result = await self._call(session, tool, arguments, ended)
            finally:
                self._calls.discard(ended)
                if self._cancelled and not self._calls:
                    self._owners.start_soon(self._end_what_is_left, session)
        if ended.cancelled_caught:
            raise ToolServerError(self._line(self._reason))
        if result.isError:
            raise ToolCallError(error_text(result))
        return result_text(result)

    async def stop(self) -> None:
        """End the session and the process; bounded in time."""
        self._stop.set()
        with anyio.move_on_after(STOP_SECONDS):
            await self._stopped.wait()

    async def _answering_session(self) -> ClientSession:
        async with self._lock:
            if self._session is not None and self._doubtful and not await self._answers(self._session):
                self._reason = "did not answer and was stopped"
                await self.stop()
            if self._session is None:
                await self._restart()
            if self._session is None:
                raise ToolServerError(self._line(self._reason))
            return self._session

    async def _restart(self) -> None:
        await self._stopped.wait()
        try:
            await self.start()
        except MementoError as error:  # its text is the operator's: it may hold paths and the server's last words
            _logger.info("%s cannot be started again: %s", self.name, error)
            raise ToolServerError(self._line("cannot be started again")) from error

    async def _call(
        self, session: ClientSession, tool: str, arguments: dict[str, Any], ended: anyio.CancelScope
    ) -> CallToolResult:
        from mcp import McpError

        request = session._request_id  # the id of the next request; the library tells it nowhere else
        try:
            with anyio.fail_after(self._call_timeout):
                return await session.call_tool(tool, arguments)
        except TimeoutError:
            await self._give_up(session, request)
            raise ToolServerError(self._line(f"gave no answer within {self._call_timeout:g} s")) from None
        except anyio.get_cancelled_exc_class():
            if not ended.cancel_called:
                await self._give_up(session, request)
                self._cancelled = True
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

    async def _give_up(self, session: ClientSession, request: int) -> None:
        """Tell the server that nobody waits any more; the next call makes sure that it still answers."""
        from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

        self._doubtful = True
        params = CancelledNotificationParams(requestId=request, reason="nobody waits for it any more")
        with anyio.CancelScope(shield=True), anyio.move_on_after(NOTICE_SECONDS), suppress(*GONE):
            await session.send_notification(ClientNotification(CancelledNotification(params=params)))

    async def _end_what_is_left(self, session: ClientSession) -> None:
        """A server that still runs processes it began for a cancelled call is stopped, and they with it.

        The calls of others are waited for: the last of them asks again. The next call starts the server again.
        """
        await anyio.sleep(LEAVING_SECONDS)
        async with self._lock:
            if self._session is session and not self._calls:
                self._cancelled = False
                if await self._has_begun_processes():
                    self._reason = "was stopped after a cancelled call"
                    await self.stop()

    async def _has_begun_processes(self) -> bool:
        if self._process is None:
            return False
        now = await anyio.to_thread.run_sync(members, self._process)
        return now is None or bool(now - self._own_processes)

    async def _answers(self, session: ClientSession) -> bool:
        from mcp import McpError

        with anyio.move_on_after(PING_SECONDS):
            try:
                await session.send_ping()
            except McpError as error:
                return error.error.code not in SESSION_ENDED
            except (*GONE, OSError):
                return False
            self._doubtful = False
            return True
        return False

    async def _own(self, config: ServerConfig, *, task_status: TaskStatus[list[BaseTool]]) -> None:
        """The owner task: everything of the session is entered, awaited and left here."""
        started = False
        link: Link | None = None
        try:
            async with connected(config, self._log) as link:
                tools = await link.open()
                await self._note_processes(link)
                self._session = link.session
                task_status.started(tools)
                started = True
                await self._until_ended(link)
        except Exception as error:  # boundary: one server's end is its own
            _logger.info("the session of %s ended", self.name, exc_info=True)
            if not started:
                raise ToolServerError(self._start_fault(link, error)) from error
        finally:
            self._session = None
            self._stopped.set()

    async def _note_processes(self, link: Link) -> None:
        self._process = link.process.process.pid if link.process is not None else None
        if self._process is not None:
            found = await anyio.to_thread.run_sync(members, self._process)
            self._own_processes = found or frozenset()

    async def _until_ended(self, link: Link) -> None:
        async with anyio.create_task_group() as waiting:
            for wait in (link.ended, self._stop.wait):
                waiting.start_soon(_cancel_after, wait, waiting.cancel_scope)
        self._session = None
        self._reason = link.fault or self._reason
        for call in tuple(self._calls):
            call.cancel()

    def _start_fault(self, link: Link | None, error: Exception) -> str:
        fault = (link.fault if link is not None else "") or _leaf_text(error)
        last = self._log.last_line
        return f"{fault}; it last said: {last}" if last else fault

    def _line(self, fault: str) -> str:
        return f"tool server {self.name!r} {fault}"


async def _cancel_after(wait: Any, scope: anyio.CancelScope) -> None:
    await wait()
    scope.cancel()


def _leaf_text(error: BaseException) -> str:
    """The first cause inside groups, in one line."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    text = " ".join(str(error).split())
    return text if isinstance(error, ToolServerError) else f"failed: {text or type(error).__name__}"
