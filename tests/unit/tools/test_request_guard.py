"""Which HTTP requests reach an MCP server, and how it may be started."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from configs.errors import ConfigurationError
from tools.servers.over_http import address_of, check_exposure, http_app
from tools.servers.request_guard import RequestGuard
from tools.servers.serving import server

JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
TOKEN = "correct horse"
BEARER = {"authorization": f"Bearer {TOKEN}"}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers 200 with the body it got."""
    body, more = b"", scope["method"] == "POST"
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def answer(app: Any, host: str, headers: dict[str, str], body: bytes = b"{}") -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        return await client.post("/mcp", content=body, headers=headers)


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        ("127.0.0.1:8000", JSON, 200),
        ("localhost:8000", JSON | {"origin": "http://localhost:3000"}, 200),
        ("[::1]:8000", JSON | {"origin": "http://[::1]:8000"}, 200),
        ("evil.example", JSON, 403),
        ("127.0.0.1.evil.example", JSON, 403),
        ("localhost:8000", JSON | {"origin": "http://evil.example"}, 403),
        ("localhost:8000", JSON | {"origin": "null"}, 403),
        ("evil.example", JSON | {"origin": "http://evil.example"}, 403),
        ("localhost", JSON | {"host": "evil.example@127.0.0.1"}, 403),
        ("localhost", JSON | {"host": "127.0.0.1#.evil.example"}, 403),
        ("localhost", JSON | {"origin": "chrome-extension://localhost"}, 403),
        ("localhost", {"content-type": "text/plain"}, 415),
        ("localhost", {"content-type": "application/x-www-form-urlencoded"}, 415),
        ("localhost", {}, 415),
    ],
)
async def test_without_a_token_only_this_machine_is_served(host: str, headers: dict[str, str], status: int) -> None:
    found = await answer(RequestGuard(echo, "127.0.0.1", None, 1000), host, headers)
    assert found.status_code == status
    assert status != 200 or found.content == b"{}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (BEARER, 200),
        ({"authorization": f"bearer  {TOKEN}"}, 200),
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": "Bearer "}, 401),
        (BEARER | {"origin": "http://evil.example"}, 403),
    ],
)
async def test_a_token_is_asked_for_wherever_one_is_set(headers: dict[str, str], status: int) -> None:
    guard = RequestGuard(echo, "0.0.0.0", TOKEN, 1000)  # noqa: S104  bound there by an operator with a token
    found = await answer(guard, "tools.example", JSON | headers)
    assert found.status_code == status
    assert (found.headers.get("www-authenticate") == "Bearer") is (status == 401)


async def test_a_body_is_bounded() -> None:
    guard = RequestGuard(echo, "127.0.0.1", None, 1000)
    assert (await answer(guard, "localhost", JSON, b" " * 1001)).status_code == 413
    assert (await answer(guard, "localhost", JSON, b" " * 1000)).status_code == 200


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.servers.request_guard.BODY_SECONDS", 0.05)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": headers, "query_string": b""}
    await RequestGuard(echo, "127.0.0.1", None, 1000)(scope, never, send)
    assert sent[0]["status"] == 408


def test_a_server_that_others_reach_needs_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "tools.example"):  # noqa: S104  what is refused
        with pytest.raises(ConfigurationError, match="set MEMENTO_MCP_TOKEN"):
            check_exposure(host, None)
        check_exposure(host, TOKEN)
    for host in ("127.0.0.1", "::1", "localhost"):
        check_exposure(host, None)


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        ([], None),
        (["--http", "8000"], ("127.0.0.1", 8000)),
        (["--http", "0.0.0.0:80"], ("0.0.0.0", 80)),  # noqa: S104  what the operator asks for
        (["--http", "[::1]:80"], ("::1", 80)),
    ],
)
def test_the_command_line_names_the_address(arguments: list[str], address: tuple[str, int] | None) -> None:
    assert address_of(arguments) == address


@pytest.mark.parametrize("arguments", [["--http"], ["--htp", "1"], ["--http", "x"], ["--http", "1:99999"], ["8000"]])
def test_another_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="--http"):
        address_of(arguments)


@pytest.fixture
def app() -> Any:
    return http_app(server("s", []), "127.0.0.1", TOKEN)


async def test_the_app_of_a_server_answers_under_the_guard(app: Any) -> None:
    assert (await answer(app, "127.0.0.1", JSON)).status_code == 401
