"""Which HTTP requests reach an MCP server: none of a foreign web page, none without the token, none too large.

A page in the user's browser reaches a server on loopback. Two headers tell it: `Origin` names the page's host, and
after DNS rebinding `Host` names one that is not this server's. (MCP 2025-11-25, transports, security warning.)
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse

from tools.loopback import host_name, is_loopback, origin_host

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_SECONDS = 30.0


class Refused(Exception):
    """A request that is not served: the HTTP status and one line for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RequestGuard:
    """An ASGI application in front of another.

    Args:
        host: that the server is bound to.
        token: that each request must bear; None for none, on loopback only.
        max_body: bytes.
    """

    def __init__(self, app: ASGIApp, host: str, token: str | None, max_body: int) -> None:
        self._app = app
        self._host = host
        self._token = token
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            check_sender(headers, self._host, self._token)
            body = await _body(headers, receive, self._max_body) if scope["method"] == "POST" else None
        except Refused as refused:
            challenge = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else None
            await PlainTextResponse(str(refused), refused.status, challenge)(scope, receive, send)
            return
        await self._app(scope, receive if body is None else _replayed(body, receive), send)


def check_sender(headers: Headers, host: str, token: str | None) -> None:
    """Refuse what a foreign page or a stranger sent.

    Raises:
        Refused: 403, the Origin is another site, or without a token the Host is not this server; 401, no token.
    """
    reached, origin = host_name(headers.get("host", "")), headers.get("origin")
    if origin is not None and not is_loopback(sender := origin_host(origin)) and (not sender or sender != reached):
        raise Refused(403, "the Origin of this request is another site")
    if token is None:
        if not is_loopback(reached) and reached != host:
            raise Refused(403, "the Host of this request is not this server")
        return
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise Refused(401, "takes `Authorization: Bearer TOKEN`")


async def _body(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The body of a JSON request.

    Raises:
        Refused: 415, it is not declared as JSON; 413, it is too large; 408, it does not come.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "takes a body of the type application/json")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > limit:
                    raise Refused(413, f"takes a body of at most {limit:,} bytes")
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(408, "the body did not come in time") from None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What reads the body that was read already, and then goes on."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again
