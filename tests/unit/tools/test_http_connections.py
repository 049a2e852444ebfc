"""Connections to an MCP server over HTTP that say nothing, or not enough."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from tools.servers.http_connections import ImpatientProtocol
from tools.servers.over_http import AT_ONCE

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def fine(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a server with uvicorn's own states, without its signals."""
    config, state = uvicorn.Config(fine, limit_concurrency=AT_ONCE), ServerState()
    config.load()
    made = lambda: ImpatientProtocol(config, state, {})  # noqa: E731
    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()


async def opened(stack: AsyncExitStack, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(writer.close)
    return reader, writer


async def test_silent_connections_take_no_place_from_a_request(port: int) -> None:
    async with AsyncExitStack() as stack:
        first, _ = await opened(stack, port)
        for _ in range(AT_ONCE + 50):
            await opened(stack, port)
        reader, writer = await opened(stack, port)
        writer.write(REQUEST)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await first.readexactly(1)


async def test_the_head_of_a_request_is_waited_for_so_long(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.servers.http_connections.HEAD_SECONDS", 0.3)
    async with AsyncExitStack() as stack, asyncio.timeout(20):
        silent, _ = await opened(stack, port)
        reader, writer = await opened(stack, port)
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")  # and then another request that does not end
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await silent.readexactly(1)
        with pytest.raises(OSError, match=r".*"):
            while True:
                writer.write(b"G")
                await writer.drain()
                await asyncio.sleep(0.02)
