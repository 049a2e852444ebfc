"""Who is let in beside pages: callers of this machine, and others only where they are asked who they are."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from configs.errors import ConfigurationError
from graph.server_guard import ServerGuard, check_exposure, serves_others
from tests.conftest import SettingsFactory

HANDLER = {"path": "auth.py:auth"}


async def status(client: Any) -> int:
    transport = httpx.ASGITransport(ServerGuard(PlainTextResponse("in")), client=client)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:2024") as http:
        return (await http.post("/runs/wait", json={})).status_code


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("127.0.0.1", 5), 200),
        (("127.8.0.1", 5), 200),
        (("::1", 5), 200),
        (("::ffff:127.0.0.1", 5), 200),
        (("192.168.1.20", 5), 403),
        (("::ffff:192.168.1.20", 5), 403),
        (("fe80::1%eth0", 5), 403),
        (("", 0), 403),
        (None, 403),
    ],
)
async def test_callers_of_other_machines(client: Any, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await status(client) == expected
    monkeypatch.setenv("MEMENTO_ALLOW_UNAUTHENTICATED", "true")
    assert await status(client) == 200


@pytest.mark.parametrize(
    ("origin", "client", "let_in"),
    [
        (b"http://localhost:3000", "127.0.0.1", True),
        (b"https://evil.example", "127.0.0.1", False),
        (b"http://localhost:3000", "10.0.0.7", False),
    ],
)
async def test_a_websocket_is_looked_at_too(origin: bytes, client: str, let_in: bool) -> None:
    reached, sent = [], []

    async def app(scope: Any, *_: Any) -> None:
        reached.append(scope["type"])

    async def send(message: Any) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"127.0.0.1:2024"), (b"origin", origin)]
    scope = {"type": "websocket", "headers": headers, "server": ("127.0.0.1", 2024), "client": (client, 5)}
    await ServerGuard(app)(scope, _nothing, send)
    assert (reached, sent) == ((["websocket"], []) if let_in else ([], ["websocket.close"]))


@pytest.mark.parametrize(
    ("kind", "handler", "variant", "asked"),
    [
        ("noop", None, "local_dev", False),
        ("noop", HANDLER, "local_dev", False),
        ("noop", HANDLER | {"disable_studio_auth": True}, "local_dev", True),
        ("noop", HANDLER, "", True),
        ("noop", None, "", False),
        ("langsmith", None, "", True),
    ],
)
def test_when_everybody_is_asked_who_they_are(
    kind: str, handler: Any, variant: str, asked: bool, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimpleNamespace(LANGGRAPH_AUTH_TYPE=kind, LANGGRAPH_AUTH=handler)
    monkeypatch.setitem(sys.modules, "langgraph_api.config", server)
    monkeypatch.setenv("LANGSMITH_LANGGRAPH_API_VARIANT", variant)
    assert serves_others(settings()) is asked


@pytest.mark.parametrize(
    ("address", "starts"),
    [
        ("", True),
        ("http://127.0.0.1:2024", True),
        ("http://[::1]:2024/api", True),
        ("http://localhost:2024", True),
        ("http://0.0.0.0:2024", False),
        ("http://[::]:2024", False),
        ("https://one-two-three.trycloudflare.com", False),
    ],
)
def test_a_server_for_everybody_does_not_start(
    address: str, starts: bool, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGGRAPH_API_URL", address)
    check_exposure(settings(allow_unauthenticated=True))
    if starts:
        check_exposure(settings())
    else:
        with pytest.raises(ConfigurationError, match="MEMENTO_ALLOW_UNAUTHENTICATED"):
            check_exposure(settings())


async def _nothing() -> Any:
    raise AssertionError("nothing is read")
