"""A server over streamable HTTP: `python -m tools.servers.NAME --http [HOST:]PORT`.

A web page in somebody's browser must not reach it, nor anybody beyond this machine without the token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from tools.loopback import is_loopback
from tools.servers.request_guard import RequestGuard
from tools.servers.requests import settings

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP
    from starlette.types import ASGIApp

OPTION = "--http"
PATH = "/mcp"
MAX_BODY = 4_000_000
MAX_SESSIONS = 200
IDLE_SECONDS = 1800.0
AT_ONCE = 100
"""Connections; a client holds one open for what the server tells it."""


def address_of(arguments: list[str]) -> tuple[str, int] | None:
    """Host and port that the command line names; None where it asks for standard input and output.

    Raises:
        ConfigurationError: it is not `--http [HOST:]PORT`.
    """
    if not arguments:
        return None
    if len(arguments) != 2 or arguments[0] != OPTION:
        raise ConfigurationError(f"takes {OPTION} [HOST:]PORT, or nothing for standard input and output")
    host, _, port = arguments[1].rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ConfigurationError(f"{OPTION}: got {arguments[1]!r}; takes [HOST:]PORT, such as 127.0.0.1:8000")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def check_exposure(host: str, token: str | None) -> None:
    """See that nobody beyond this machine is served without a token.

    Raises:
        ConfigurationError: they would be.
    """
    if token is None and not is_loopback(host):
        raise ConfigurationError(
            f"{OPTION} {host}: a server that others reach takes a token: set MEMENTO_MCP_TOKEN; clients send it as "
            "`Authorization: Bearer TOKEN`"
        )


def http_app(server: FastMCP, host: str, token: str | None) -> ASGIApp:
    """The server as an ASGI application, guarded."""
    from mcp.server.transport_security import TransportSecuritySettings

    server.settings.streamable_http_path = PATH
    server.settings.max_request_body_size = MAX_BODY
    server.settings.max_sessions = MAX_SESSIONS
    server.settings.session_idle_timeout = IDLE_SECONDS
    server.settings.transport_security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    return RequestGuard(server.streamable_http_app(), host, token, MAX_BODY)


def serve_over_http(server: FastMCP, host: str, port: int) -> None:
    """Serve until a signal ends it.

    Raises:
        ConfigurationError: it would serve others without a token, or run their code without a sandbox.
    """
    import uvicorn

    from tools.sandbox.backends import refuse_in_server
    from tools.servers.http_connections import ImpatientProtocol

    key = settings().mcp_token
    token = key.get_secret_value() if key is not None else None
    check_exposure(host, token)
    refuse_in_server(settings())
    app = http_app(server, host, token)
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=ImpatientProtocol,
        log_level="info",
        access_log=False,
        limit_concurrency=AT_ONCE,
    )
