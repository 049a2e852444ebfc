"""The routes without a server: who may send, what an unusable bank says, and whose cases are seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from configs.errors import CaseBankError
from graph import feedback_routes
from graph.feedback_routes import feedback_routes as routes
from graph.request_guard import MAX_BODY_BYTES
from graph.services import SharedServices
from tools.loopback import host_name, is_loopback, origin_host

CASE = "0123456789abcdef"
Client = Callable[..., Awaitable[httpx.Response]]


def as_user(app: ASGIApp, user: Any, server: str) -> ASGIApp:
    """The application as a server with authentication calls it."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "user": user, "server": (server, 2024)}, receive, send)

    return called


async def send(headers: dict[str, str], *, user: Any = None, server: str = "127.0.0.1") -> int:
    """The status of a request for a case; 404 says that it was let through."""
    app = as_user(Starlette(routes=routes()), user, server)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:2024") as client:
        return (await client.get(f"/cases/{CASE}", headers=headers)).status_code


@pytest.fixture(autouse=True)
async def _own_services(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    shared = SharedServices()
    monkeypatch.setattr(feedback_routes, "shared_services", shared)
    yield
    await shared._stack.aclose()


@pytest.mark.parametrize(
    ("headers", "server", "status"),
    [
        ({}, "127.0.0.1", 404),
        ({"Origin": "http://localhost:3000"}, "127.0.0.1", 404),
        ({"Origin": "http://[::1]:3000"}, "127.0.0.1", 404),
        ({"Host": "[::1]:2024"}, "::1", 404),
        ({"Host": "10.0.0.5:2024", "Origin": "http://10.0.0.5:2024"}, "10.0.0.5", 404),
        ({"Host": "10.0.0.5:2024", "Origin": "http://10.0.0.6"}, "10.0.0.5", 403),
        ({"Host": "agent.example:2024"}, "10.0.0.5", 403),
        ({"Host": ""}, "127.0.0.1", 403),
        ({"Host": "127.0.0.1.evil.example"}, "127.0.0.1", 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, "127.0.0.1", 403),
        ({"Origin": "http://localhost@evil.example"}, "127.0.0.1", 403),
        ({"Origin": "http://["}, "127.0.0.1", 403),
        ({"Origin": ""}, "127.0.0.1", 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, "127.0.0.1", 403),
    ],
)
async def test_who_may_send_without_authentication(headers: dict[str, str], server: str, status: int) -> None:
    assert await send(headers, server=server) == status


async def test_an_authenticated_user_may_call_by_any_name_but_from_no_other_site() -> None:
    user = {"identity": "alice"}
    assert await send({"Host": "agent.example", "Origin": "https://agent.example"}, user=user) == 404
    assert await send({"Host": "agent.example", "Origin": "https://other.example"}, user=user) == 403
    assert await send({}, user={"identity": ""}) == 422


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.evil.example", "evil-localhost", "128.0.0.1", "0x7f000001", "::2"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example@127.0.0.1", "127.0.0.1/evil", "127.0.0.1#.evil.example", "127.0.0.1?x", "//127.0.0.1"),
        *("127.0.0.1\\evil", "http://127.0.0.1", "127.0.0.1:80:80", "[::1]evil", "127.0.0.1 ", ""),
    ],
)
def test_what_is_no_host_names_none(host: str) -> None:
    assert (host_name(host), origin_host(f"http://{host}")) == ("", "")


def test_a_host_and_the_page_of_an_origin() -> None:
    assert [host_name(each) for each in ("LocalHost:8000", "a-b_c.example.", "[::1]:8000", "[::1]")] == [
        *("localhost", "a-b_c.example", "::1", "::1")
    ]
    assert origin_host("https://agent.example:8443") == "agent.example"
    assert not any(map(origin_host, ("chrome-extension://localhost", "file://localhost", "localhost", "null", "")))


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(as_user(Starlette(routes=routes()), None, "127.0.0.1"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:2024") as opened:
        yield opened


async def test_a_body_is_read_no_further_than_it_may_be_long() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1024

    async with client() as http:
        answered = await http.post("/feedback", content=endless(), headers={"Content-Type": "application/json"})
    assert answered.status_code == 413
    assert sent <= MAX_BODY_BYTES // 1024 + 2


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_by_its_other_names(kind: str) -> None:
    async with client() as http:
        answered = await http.post("/feedback", content=b"{}", headers={"Content-Type": kind})
    assert answered.status_code == 422


async def test_a_bank_that_cannot_be_used_is_told_without_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_arguments: object, **_options: object) -> None:
        raise CaseBankError("the case bank in /srv/somebody/.memento is damaged")

    monkeypatch.setattr("memory.case_memory.CaseMemory.entry", broken)
    async with client() as http:
        answered = await http.get(f"/cases/{CASE}")
    assert answered.status_code == 503
    assert "somebody" not in answered.text
