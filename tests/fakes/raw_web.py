"""A web server on loopback that answers with the bytes a test writes, and a network whose names a test invents."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import httpcore

Answer: TypeAlias = bytes | Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Whole responses, or a function that gets the request's head and writes for itself."""


@dataclass
class RawWeb:
    """A running server: its port, the heads of the requests it got, and how many bytes it could send."""

    port: int
    heads: list[bytes] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [head.split(b" ")[1].decode() for head in self.heads]


@asynccontextmanager
async def raw_web(answers: Mapping[str, Answer], certificates: ssl.SSLContext | None = None) -> AsyncIterator[RawWeb]:
    """Serve paths; one request a connection. What is not listed gets 404."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            web.heads.append(head)
            answer = answers.get(head.split(b" ")[1].decode().partition("?")[0], response(b"nothing here", status=404))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(head, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=certificates)
    web = RawWeb(server.sockets[0].getsockname()[1])
    try:
        yield web
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def response(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole response; `content_type="text/html"` is Content-Type."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    return response(status=status, location=location)


@dataclass
class InventedNetwork:
    """Names with answers, one list a lookup, the last for ever; every address leads to `port` on loopback."""

    names: Mapping[str, list[list[str]]]
    port: int = 0
    lookups: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)

    async def resolve(self, host: str, port: int) -> list[str]:
        self.lookups.append(host)
        if host not in self.names:
            raise OSError("no such name")
        answers = self.names[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def dial(self, address: str, port: int, seconds: float) -> httpcore.AsyncNetworkStream:
        self.dialled.append((address, port))
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout=seconds)
