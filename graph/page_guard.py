"""Which requests a web page of another site sent; none of them reaches the API server.

Without it `langgraph dev` is driven by any page in the user's browser: it allows every origin, takes a run as
text/plain, which a browser sends without asking, and answers to any `Host`, so that DNS rebinding reaches it too.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from starlette.datastructures import Headers

from graph.request_guard import RefusedError
from tools.loopback import host_name, is_loopback, origin_host

STUDIO = frozenset({"https://smith.langchain.com", "https://eu.smith.langchain.com"})
"""Where LangGraph Studio is served; its page calls a server on loopback."""
SENT_UNASKED = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
"""Types of bodies that a browser sends to another site without asking it first; the API takes JSON."""


def welcome_origins(server: Any) -> frozenset[str]:
    """Studio's, and those that a LangGraph API server names for CORS; `*`, its default, names nobody.

    Args:
        server: its module of configuration; None for another server.
    """
    if server is None:
        return STUDIO
    named = (server.CORS_CONFIG or {}).get("allow_origins") or server.CORS_ALLOW_ORIGINS
    return STUDIO.union(named) - {"*"}


def check_page(headers: Headers, reached: str, welcome: Container[str] = STUDIO) -> None:
    """Refuse what a page of another site sent.

    Args:
        welcome: origins of other sites that are let in.
        reached: the address that the connection was made to. Beyond loopback any Host is taken: names of a server that
            others reach are not known here, and it needs authentication.

    Raises:
        RefusedError: 403, the Origin is another site, or a server on loopback is called by a name that is not
            loopback's; 415, a body that a browser sends unasked.
    """
    host, origin = host_name(headers.get("host", "")), headers.get("origin")
    if origin is not None and origin not in welcome:
        sender = origin_host(origin)
        if not is_loopback(sender) and (not sender or sender != host):
            raise RefusedError(403, "the Origin of this request is another site")
    if is_loopback(reached) and not is_loopback(host):
        raise RefusedError(403, "the Host of this request is not this server; behind a proxy, let it send localhost")
    if headers.get("content-type", "").partition(";")[0].strip().lower() in SENT_UNASKED:
        raise RefusedError(415, "takes a body of the type application/json")
