"""What a server at an address may send: no message larger than one over standard output, and nothing compressed, so
that what is counted is what arrives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio

from tools.server_process import MAX_MESSAGE, TOO_LONG

if TYPE_CHECKING:
    import httpx


class RemoteEnd:
    """Tells that a remote session must end, and why."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.fault = ""

    def end(self, fault: str) -> None:
        self.fault = self.fault or fault
        self.ended.set()


def bounded_client(
    end: RemoteEnd,
    headers: dict[str, Any] | None = None,
    timeout: httpx.Timeout | None = None,
    auth: httpx.Auth | None = None,
) -> httpx.AsyncClient:
    """The library's HTTP client with bounds; what exceeds them ends the session."""
    from mcp.shared._httpx_utils import create_mcp_http_client

    client = create_mcp_http_client(
        headers={**(headers or {}), "Accept-Encoding": "identity"}, timeout=timeout, auth=auth
    )
    client.event_hooks["response"].append(partial(_bound, end))
    return client


async def _bound(end: RemoteEnd, response: httpx.Response) -> None:
    import httpx

    if response.headers.get("content-encoding", "identity").lower() != "identity":
        end.end("sent a compressed message, which it was asked not to")
        raise httpx.DecodingError("compressed", request=response.request)
    events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
    original = cast("httpx.AsyncByteStream", response.stream)  # of an async client

    class Bounded(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            length = 0
            async for chunk in original:
                length += len(chunk)
                if length > MAX_MESSAGE:
                    end.end(TOO_LONG)
                    raise httpx.ReadError(TOO_LONG, request=response.request)
                if events and (last := max(chunk.rfind(b"\n\n"), chunk.rfind(b"\r\n\r\n"))) >= 0:
                    length = len(chunk) - last
                yield chunk

        async def aclose(self) -> None:
            await original.aclose()

    response.stream = Bounded()
