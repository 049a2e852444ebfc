"""Which requests may touch the memory: not those a foreign web page sends, none too large, none that is not JSON.

A page in the user's browser reaches a server on loopback, and `langgraph dev` lets every origin. Two headers tell it:
`Origin` names the page's host, and after DNS rebinding `Host` names one that is not this server's.
"""

from __future__ import annotations

from starlette.requests import Request

from graph.identity import is_authenticated
from tools.loopback import host_name, is_loopback, origin_host

MAX_BODY_BYTES = 64 * 1024


class RefusedError(Exception):
    """A request that is not served: the HTTP status and one line for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def check_sender(request: Request) -> None:
    """Refuse what a foreign web page sent.

    Raises:
        RefusedError: 403, the Origin is neither loopback nor this server's host; or nobody is authenticated and the
            Host is neither loopback nor the address that was reached.
    """
    host = host_name(request.headers.get("host", ""))
    origin = request.headers.get("origin")
    if origin is not None and not is_loopback(sender := origin_host(origin)) and (not sender or sender != host):
        raise RefusedError(403, "the Origin of this request is another site")
    reached = str((request.scope.get("server") or ("",))[0])
    if not is_authenticated(request.scope.get("user")) and not is_loopback(host) and host != reached:
        raise RefusedError(403, "the Host of this request is not this server; call it by its address, or authenticate")


async def json_body(request: Request) -> bytes:
    """The body of a JSON request.

    Raises:
        RefusedError: 415, it is not declared as application/json; 413, it is larger than MAX_BODY_BYTES.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "takes a body of the type application/json")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError(413, f"takes a body of at most {MAX_BODY_BYTES} bytes")
    return body
