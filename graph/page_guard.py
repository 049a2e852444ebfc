"""Keeps web pages of other sites out of the whole API server, in front of its CORS and its own routes.

Without it `langgraph dev` is driven by any page in the user's browser: it allows every origin, takes a run as
text/plain, which a browser sends without asking, and answers to any `Host`, so that DNS rebinding reaches it too.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from graph.request_guard import RefusedError
from tools.loopback import host_name, is_loopback, origin_host

STUDIO = frozenset({"https://smith.langchain.com", "https://eu.smith.langchain.com"})
"""Where LangGraph Studio is served; its page calls a server on loopback."""
SENT_UNASKED = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
"""Types of bodies that a browser sends to another site without asking it first; the API takes JSON."""


class PageGuard:
    """An ASGI application in front of another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            reached = str((scope.get("server") or ("",))[0])
            try:
                check_page(Headers(scope=scope), reached)
            except RefusedError as refused:
                await JSONResponse({"detail": str(refused)}, refused.status)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_page(headers: Headers, reached: str) -> None:
    """Refuse what a page of another site sent.

    Args:
        reached: the address that the connection was made to. Beyond loopback any Host is taken: names of a server that
            others reach are not known here, and it needs authentication.

    Raises:
        RefusedError: 403, the Origin is another site, or a server on loopback is called by a name that is not
            loopback's; 415, a body that a browser sends unasked.
    """
    host, origin = host_name(headers.get("host", "")), headers.get("origin")
    if origin is not None and origin not in STUDIO:
        sender = origin_host(origin)
        if not is_loopback(sender) and (not sender or sender != host):
            raise RefusedError(403, "the Origin of this request is another site")
    if is_loopback(reached) and not is_loopback(host):
        raise RefusedError(403, "the Host of this request is not this server; behind a proxy, let it send localhost")
    if headers.get("content-type", "").partition(";")[0].strip().lower() in SENT_UNASKED:
        raise RefusedError(415, "takes a body of the type application/json")
