"""One request and its answer over a connection that was checked, the body counted after decompression."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeAlias

import httpcore

from configs.errors import ToolCallError
from tools.egress_addresses import Target
from tools.egress_gzip import Gunzip

Connect: TypeAlias = Callable[[str, int], Awaitable[httpcore.AsyncNetworkStream]]
Spend: TypeAlias = Callable[[bytes], None]
"""Is shown all that was read of a connection, and raises where that is too much."""
USER_AGENT = "Mozilla/5.0 (compatible; memento-agent)"
REDIRECTING = frozenset({301, 302, 303, 307, 308})
OURS = frozenset(
    {
        *("host", "connection", "accept-encoding", "content-length", "transfer-encoding"),
        *("te", "upgrade", "expect", "proxy-authorization", "proxy-connection", "referer"),
    }
)
"""Headers a caller does not choose."""
BESIDE_BODY = 1_000_000
"""Bytes that may come beside the body: headers, interim responses, chunk sizes, what a compression adds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL gave.

    Attributes:
        url: of the last redirect.
        status: as answered, such as 200 or 404.
        media_type: in small letters without parameters, empty where none was told.
        charset: as told, or None.
        headers: names in small letters; of several with one name the last.
        data: decompressed.
    """

    url: str
    status: int
    media_type: str
    charset: str | None
    headers: Mapping[str, str]
    data: bytes


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects through `connect`; TLS still speaks to, and verifies, the name of the URL."""

    def __init__(self, connect: Connect, spend: Spend) -> None:
        self._connect = connect
        self._spend = spend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the base class's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _Counted(await self._connect(host, port), self._spend)


class _Counted(httpcore.AsyncNetworkStream):
    """A connection of which every byte is counted before HTTP is made of it. Under TLS, what was decrypted."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, spend: Spend) -> None:
        self._stream = stream
        self._spend = spend

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  the base class's
        piece = await self._stream.read(max_bytes, timeout)
        self._spend(piece)
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  the base class's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the base class's signature
    ) -> httpcore.AsyncNetworkStream:
        return _Counted(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._spend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


async def exchange(
    connect: Connect, context: ssl.SSLContext, target: Target, method: str, headers: Mapping[str, str], limit: int
) -> tuple[Fetched, str | None]:
    """Send one request; the answer, and where it redirects to.

    Raises:
        ToolCallError: the host does not answer as HTTP says, or with more than `limit` bytes.
    """
    left = limit + BESIDE_BODY

    def spend(piece: bytes) -> None:
        nonlocal left
        left -= len(piece)
        if left < 0:
            raise _too_large(target, limit)

    network = CheckedNetwork(connect, spend)
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    try:
        async with (
            httpcore.AsyncConnectionPool(ssl_context=context, network_backend=network) as pool,
            pool.stream(method, url, headers=_sent(target, headers)) as response,
        ):
            received = _received(response.headers)
            location = received.get("location") if response.status in REDIRECTING else None
            data = b"" if location is not None or method == "HEAD" else await _body(response, received, limit, target)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError, zlib.error) as error:
        raise ToolCallError(f"{target.host}: {_fault(error)}") from None
    kind, charset = _kind(received.get("content-type", ""))
    return Fetched(target.url, response.status, kind, charset, received, data), location


def _sent(target: Target, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    chosen = {name.lower(): value for name, value in headers.items() if name.lower() not in OURS}
    all_headers = {
        "host": target.authority,
        "user-agent": USER_AGENT,
        "accept": "*/*",
        **chosen,
        "accept-encoding": "gzip",
        "connection": "close",
    }
    return [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in all_headers.items()
    ]


def _received(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): _text(value) for name, value in headers}


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def _body(response: httpcore.Response, headers: Mapping[str, str], limit: int, target: Target) -> bytes:
    """The whole body; at most one piece more than `limit` is ever held."""
    told = headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise _too_large(target, limit)
    body = bytearray()
    async for piece in _decoded(response.aiter_stream(), headers.get("content-encoding", ""), target):
        body += piece
        if len(body) > limit:
            raise _too_large(target, limit)
    return bytes(body)


async def _decoded(pieces: AsyncIterator[bytes], encoding: str, target: Target) -> AsyncIterator[bytes]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        async for piece in pieces:
            yield piece
    elif encoding in ("gzip", "x-gzip"):
        unpacked = Gunzip()
        async for piece in pieces:
            for part in unpacked.parts(piece):
                yield part
        unpacked.close()
    else:
        raise ToolCallError(f"{target.host} sent a compression that was not asked for")


def _kind(content_type: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = content_type
    charset = message.get_param("charset")
    return (message.get_content_type() if content_type else ""), charset if isinstance(charset, str) else None


def _fault(error: Exception) -> str:
    """In words that tell nothing of addresses."""
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        return "its certificate cannot be verified"
    if isinstance(error, httpcore.ConnectError):
        return "no secure connection"
    if isinstance(error, httpcore.NetworkError | OSError):
        return "the connection broke"
    if isinstance(error, httpcore.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpcore.LocalProtocolError):
        return "the request cannot be sent; a header is malformed"
    return "what it sent is no valid HTTP"


def _too_large(target: Target, limit: int) -> ToolCallError:
    return ToolCallError(f"{target.host} sent more than {limit / 1_000_000:g} MB")
