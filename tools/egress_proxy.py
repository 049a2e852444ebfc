"""A forward proxy on loopback that makes every connection by the rules of egress, for browsers and downloaders.

It speaks CONNECT and plain HTTP with absolute URLs (RFC 9110 and 9112), one request a connection. It serves programs
of this user only: on Linux the kernel's table of connections says whose end the other one is, which works with
programs that cannot send a password to a proxy; on other systems whoever runs on the machine could use it, and would
reach nothing but public hosts and the configured private ones.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import h11
import httpcore

from configs.errors import ToolCallError
from tools.egress_addresses import target_of
from tools.egress_exchange import CheckedNetwork, Connect

HEAD_SECONDS = 10.0
IDLE_SECONDS = 60.0
CONNECTIONS = 128
PIECE = 65_536
HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    }
)
TCP_TABLE = Path("/proc/net/tcp")


class ForwardProxy:
    """An async context manager; `address` is there while it is open. Arguments as of `Egress.proxy`."""

    def __init__(self, connect: Connect, limit: int, seconds: float, users: Iterable[int]) -> None:
        self._connect = connect
        self._left = limit
        self._seconds = seconds
        self._users = frozenset({os.getuid(), *users}) if sys.platform == "linux" else frozenset[int]()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.address = ""

    async def __aenter__(self) -> ForwardProxy:
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = int(self._server.sockets[0].getsockname()[1])
        self.address = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                if len(self._tasks) <= CONNECTIONS and await self._is_served(writer):
                    await self._answer(_Client(reader, writer))
        except (OSError, TimeoutError, EOFError, h11.ProtocolError, httpcore.NetworkError, httpcore.ProtocolError):
            pass  # the connection ends here, which is what both ends are told
        except httpcore.TimeoutException:
            pass
        finally:
            writer.close()

    async def _is_served(self, writer: asyncio.StreamWriter) -> bool:
        if not self._users:
            return True
        peer_port = int(writer.get_extra_info("peername")[1])
        return await asyncio.to_thread(_owner, peer_port, self._port) in self._users

    async def _answer(self, client: _Client) -> None:
        async with asyncio.timeout(HEAD_SECONDS):
            request = await client.event()
        if not isinstance(request, h11.Request):
            return
        try:
            if self._left <= 0:
                raise ToolCallError("more bytes than are allowed")
            if request.method == b"CONNECT":
                await self._tunnel(client, request.target.decode("ascii"))
            else:
                await self._forward(client, request)
        except ToolCallError as error:
            await client.refuse(str(error))

    async def _tunnel(self, client: _Client, authority: str) -> None:
        host, _, port = authority.rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ToolCallError("refused: no host and port")
        stream = await self._connect(host.removeprefix("[").removesuffix("]"), int(port))
        try:
            await client.send(h11.Response(status_code=200, headers=[]))
            await stream.write(client.connection.trailing_data[0])
            directions = {asyncio.create_task(each) for each in (self._up(client, stream), self._down(stream, client))}
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in directions:
                    direction.cancel()
                await asyncio.gather(*directions, return_exceptions=True)
        finally:
            await stream.aclose()

    async def _up(self, client: _Client, stream: httpcore.AsyncNetworkStream) -> None:
        while piece := await client.reader.read(PIECE):
            self._spend(piece)
            await stream.write(piece, IDLE_SECONDS)

    async def _down(self, stream: httpcore.AsyncNetworkStream, client: _Client) -> None:
        while piece := await stream.read(PIECE, IDLE_SECONDS):
            self._spend(piece)
            await client.write(piece)

    async def _forward(self, client: _Client, request: h11.Request) -> None:
        target = target_of(request.target.decode("ascii"))
        if target.scheme != "http":
            raise ToolCallError("refused: https goes through CONNECT")
        url = httpcore.URL(scheme="http", host=target.host, port=target.port, target=target.path)
        headers = [("host", target.authority), ("connection", "close")]
        kept = [(name, value) for name, value in request.headers if name not in HOP_BY_HOP | {b"host"}]
        sent = [(name.encode(), value.encode()) for name, value in headers] + kept
        has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in request.headers)
        timeouts = {"timeout": {"read": IDLE_SECONDS, "write": IDLE_SECONDS}}
        async with (
            httpcore.AsyncConnectionPool(network_backend=CheckedNetwork(self._connect, self._spend)) as pool,
            pool.stream(
                request.method,
                url,
                headers=sent,
                content=client.body() if has_body else None,
                extensions=timeouts,
            ) as response,
        ):
            kept = [(name, value) for name, value in response.headers if name.lower() not in HOP_BY_HOP]
            await client.send(h11.Response(status_code=response.status, headers=[*kept, (b"connection", b"close")]))
            async for piece in response.aiter_stream():
                await client.send(h11.Data(data=piece))
            await client.send(h11.EndOfMessage())

    def _spend(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            raise EOFError("more bytes than are allowed")


class _Client:
    """The end that asks: its bytes as HTTP events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer
        self.connection = h11.Connection(h11.SERVER)

    async def event(self) -> Any:
        while (event := self.connection.next_event()) is h11.NEED_DATA:
            self.connection.receive_data(await self.reader.read(PIECE))
        return event

    async def body(self) -> AsyncIterator[bytes]:
        if self.connection.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        while isinstance(event := await self.event(), h11.Data):
            yield bytes(event.data)

    async def send(self, event: Any) -> None:
        await self.write(self.connection.send(event) or b"")

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(IDLE_SECONDS):
            await self._writer.drain()

    async def refuse(self, reason: str) -> None:
        if self.connection.our_state is not h11.SEND_RESPONSE:
            return  # too late: the connection just ends
        body = f"{reason}\n".encode()
        headers = [("content-type", "text/plain"), ("content-length", str(len(body))), ("connection", "close")]
        await self.send(h11.Response(status_code=502, headers=headers))
        await self.send(h11.Data(data=body))


def _owner(client_port: int, server_port: int) -> int | None:
    """The user whose socket on 127.0.0.1 is connected from one port to the other, by the kernel's table."""
    ours, theirs = f"0100007F:{server_port:04X}", f"0100007F:{client_port:04X}"
    if sys.byteorder == "big":
        ours, theirs = (end.replace("0100007F", "7F000001") for end in (ours, theirs))
    for line in TCP_TABLE.read_text("ascii").splitlines():
        fields = line.split()
        if fields[1:3] == [theirs, ours]:
            return int(fields[7])
    return None
