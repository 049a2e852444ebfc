"""MCP over the standard streams of a process of its own group.

The library's `stdio_client` has no bound on a message (it joins a 50 MB line in quadratic time on the shared loop),
prints what it cannot read, and leaves a server's children behind; hence this transport, on the library's messages. The
session's own tasks read and write here, without a task and a queue in between for each direction: a call is cheaper.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from pydantic import ValidationError

from configs.errors import ToolServerError
from configs.settings import environment_without_secrets
from tools.mcp_config import StdioServer
from tools.server_log import ServerLog

if TYPE_CHECKING:
    from mcp.shared.message import SessionMessage

MAX_MESSAGE = 20_000_000
TOO_LONG = f"sent a message of more than {MAX_MESSAGE // 1_000_000} MB"
LOG_PAUSE = 0.05
"""Between reads of a log that is full: a server that writes for ever is slowed down instead of taking a processor."""
MAX_UNREADABLE = 200
GRACE = 1.0
"""Seconds a server gets to end by itself, and again after SIGTERM."""
TOO_MANY = "sent more messages than anybody asked for"
MAX_AHEAD = 10_000
REFILL = 500.0
"""Messages that a server may send in a burst, and each second for ever; a session that exceeds them is ended."""
LAUNCHER = Path(__file__).with_name("launcher.py")
Parse: TypeAlias = "Callable[[bytes], SessionMessage | None]"


class Incoming:
    """The messages of a server, in the form in which a ClientSession reads them."""

    def __init__(self, messages: AsyncGenerator[SessionMessage, None]) -> None:
        self._messages = messages

    async def __aenter__(self) -> Incoming:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._messages.aclose()

    def __aiter__(self) -> AsyncIterator[SessionMessage]:
        return self._messages


class Outgoing:
    """What a ClientSession sends goes straight to the server's standard input."""

    def __init__(self, stream: ByteSendStream) -> None:
        self._stream = stream
        self._closed = False

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True

    async def send(self, message: SessionMessage) -> None:
        """Send a message; whoever waits for the answer of one that gets lost learns of it from the server's end.

        Raises:
            anyio.ClosedResourceError: the session has ended, or the server took no message before.
        """
        if self._closed:
            raise anyio.ClosedResourceError
        line = message.message.model_dump_json(by_alias=True, exclude_none=True)
        try:
            await self._stream.send(line.encode("utf-8", "replace") + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._closed = True


class ServerProcess:
    """A running server: `read` and `write` for a ClientSession, `ended` once it is gone and `fault` says why."""

    def __init__(self, process: Process, log: ServerLog) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101  opened with pipes
        self.process = process
        self.log = log
        self.ended = anyio.Event()
        self.fault = ""
        self.read = Incoming(self._messages(process.stdout))
        self.write = Outgoing(process.stdin)

    async def keep_log(self) -> None:
        assert self.process.stderr is not None  # noqa: S101  opened with a pipe
        await anyio.to_thread.run_sync(self.log.open)
        try:
            async for chunk in self.process.stderr:
                await anyio.to_thread.run_sync(self.log.write, chunk)
                if self.log.full:
                    await anyio.sleep(LOG_PAUSE)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return
        finally:
            self.log.close()

    async def stop(self) -> None:
        """End the process and what it started: end of input, SIGTERM, SIGKILL. Takes at most 3 * GRACE seconds."""
        with anyio.CancelScope(shield=True):
            if self.process.stdin is not None:
                with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await self.process.stdin.aclose()
            for number in (None, signal.SIGTERM, signal.SIGKILL):
                if number is not None:
                    _signal_group(self.process.pid, number)
                with anyio.move_on_after(GRACE):
                    await self.process.wait()
                    break
            _signal_group(self.process.pid, signal.SIGKILL)

    async def _messages(self, stream: ByteReceiveStream) -> AsyncGenerator[SessionMessage, None]:
        """The server's messages until its output ends or cannot be used any more."""
        parse, unreadable, pace = _parser(), 0, Pace(anyio.current_time())
        try:
            async with aclosing(_lines(stream)) as lines:
                async for line in lines:
                    message = parse(line)
                    unreadable += message is None
                    if pace.exceeded(anyio.current_time()):
                        self.fault = TOO_MANY
                        return
                    if message is not None and _of_use(message):
                        yield message
                    if unreadable > MAX_UNREADABLE:
                        self.fault = "wrote too much that is not MCP to its standard output"
                        return
            self.fault = await self._ending()
        except _TooLongError:
            self.fault = TOO_LONG
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.fault = self.fault or "closed its standard output"
        finally:
            self.ended.set()

    async def _ending(self) -> str:
        with anyio.move_on_after(GRACE):
            code = await self.process.wait()
            return f"exited with code {code}" if code >= 0 else f"was killed by signal {-code}"
        return "closed its standard output"


@dataclass(slots=True)
class Pace:
    """How many messages came lately, less what may come anyway."""

    since: float
    ahead: float = 0.0

    def exceeded(self, now: float) -> bool:
        """Count one more message; whether they are too many."""
        self.ahead = max(self.ahead - (now - self.since) * REFILL, 0.0) + 1
        self.since = now
        return self.ahead > MAX_AHEAD


@asynccontextmanager
async def server_process(server: StdioServer, log: ServerLog) -> AsyncIterator[ServerProcess]:
    """Start the server's process and hold it; on leaving, nothing of it is left.

    Raises:
        ToolServerError: the command or the folder is not there, or cannot be run.
    """
    env = {**environment_without_secrets(), **server.env}
    await anyio.to_thread.run_sync(_check_command, server, env)
    try:
        process = await anyio.open_process(_command_line(server), env=env, cwd=server.cwd, start_new_session=True)
    except OSError as error:
        raise ToolServerError(f"cannot be started: {error.strerror}") from error
    running = ServerProcess(process, log)
    async with process, anyio.create_task_group() as tasks:
        tasks.start_soon(running.keep_log)
        try:
            yield running
        finally:
            await running.stop()
            tasks.cancel_scope.cancel()


def _command_line(server: StdioServer) -> list[str]:
    return [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), server.command, *server.args]


def _check_command(server: StdioServer, env: dict[str, str]) -> None:
    if not server.cwd.is_dir():
        raise ToolServerError(f"cannot be started: no folder {str(server.cwd)!r}")
    command = str(server.cwd / server.command) if os.sep in server.command else server.command
    if shutil.which(command, path=env.get("PATH")) is None:
        raise ToolServerError(f"cannot be started: no command {server.command!r}")


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _of_use(message: SessionMessage) -> bool:
    """Whether somebody reads it; of notifications the progress of calls and the news that the tools have changed."""
    method = getattr(message.message.root, "method", None)
    asks = getattr(message.message.root, "id", None) is not None
    return method is None or asks or method in ("notifications/tools/list_changed", "notifications/progress")


class _TooLongError(Exception):
    pass


async def _lines(stream: ByteReceiveStream) -> AsyncGenerator[bytes, None]:
    """The lines of a byte stream, each at most MAX_MESSAGE long."""
    parts: list[bytes] = []
    length = 0
    async for chunk in stream:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            yield b"".join([*parts, piece])
            parts, length = [], 0
        parts.append(rest)
        length += len(rest)
        if length > MAX_MESSAGE:
            raise _TooLongError


def _parser() -> Parse:
    """What reads a line; None for what is no message. The library is loaded by then, see `tools.connection`."""
    from mcp.shared.message import SessionMessage
    from mcp.types import JSONRPCMessage

    def parse(line: bytes) -> SessionMessage | None:
        try:
            return SessionMessage(JSONRPCMessage.model_validate_json(line))
        except ValidationError:
            return None

    return parse
