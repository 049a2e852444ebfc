"""Stands in front of the whole API server, before its CORS, its authentication and its own routes.

It refuses what pages of other sites send (page_guard.py), and everybody beyond this machine where nobody would be asked
who they are: a LangGraph API server without an auth handler runs the agent for whoever reaches its port.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from configs.errors import ConfigurationError
from configs.settings import Settings, environment_values, load_settings
from graph.page_guard import check_page, welcome_origins
from graph.request_guard import RefusedError
from tools.loopback import is_loopback

STUDIO_IS_LET_IN = "LANGSMITH_LANGGRAPH_API_VARIANT", "local_dev"
"""What `langgraph dev` sets, and its server then lets in as Studio who sends `x-auth-scheme: langsmith`."""
HOW = "add an auth handler to langgraph.json, with disable_studio_auth, or set MEMENTO_ALLOW_UNAUTHENTICATED=true"
_log = logging.getLogger(__name__)


class ServerGuard:
    """An ASGI application in front of another. Settings are read when the first caller from elsewhere comes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._serves_others: bool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            try:
                check_page(Headers(scope=scope), _host_of(scope.get("server")), welcome_origins(_langgraph_server()))
                await self._check_caller(_host_of(scope.get("client")))
            except RefusedError as refused:
                refusal = JSONResponse({"detail": str(refused)}, refused.status)
                await (refusal if scope["type"] == "http" else WebSocketClose(1008))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _check_caller(self, address: str) -> None:
        """Refuse callers of other machines where nobody is authenticated.

        Raises:
            RefusedError: 403, the caller's address is not loopback, or not known.
        """
        if is_loopback(address):
            return
        if self._serves_others is None:
            self._serves_others = serves_others(await asyncio.to_thread(load_settings))
            if not self._serves_others:
                _log.warning("callers from other machines are refused, this server has no authentication: %s", HOW)
        if not self._serves_others:
            raise RefusedError(
                403, "this server has no authentication and serves only its own machine; its log says more"
            )


def check_exposure(settings: Settings) -> None:
    """See that a server does not start where it would serve everybody; `langgraph dev` tells its address.

    Raises:
        ConfigurationError: its address is not loopback, and nobody would be asked who they are.
    """
    address = environment_values(["LANGGRAPH_API_URL"]).get("LANGGRAPH_API_URL")
    host = (urlsplit(address).hostname or "") if address else "localhost"
    if not is_loopback(host) and not serves_others(settings):
        raise ConfigurationError(f"--host {host}: a server that others reach takes authentication: {HOW}")


def serves_others(settings: Settings) -> bool:
    """Whether callers from other machines are served: they are authenticated, or the settings let everybody in."""
    return settings.allow_unauthenticated or _authenticates(_langgraph_server())


def _authenticates(server: Any) -> bool:
    """Whether a LangGraph API server asks every caller who they are.

    Args:
        server: its module of configuration; None for another server, of which nothing is known here.
    """
    if server is None:
        return False
    if server.LANGGRAPH_AUTH_TYPE == "langsmith":
        return True
    variable, local = STUDIO_IS_LET_IN
    studio = environment_values([variable]).get(variable) == local
    handler = server.LANGGRAPH_AUTH
    return bool(handler) and (not studio or bool(handler.get("disable_studio_auth")))


def _langgraph_server() -> Any:
    """The configuration that LangGraph's API server runs with in this process; None in another server."""
    return sys.modules.get("langgraph_api.config")


def _host_of(address: tuple[str, int | None] | None) -> str:
    return str(address[0]) if address else ""
