"""Which requests reach the API server at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.datastructures import Headers

from graph.page_guard import check_page, welcome_origins
from graph.request_guard import RefusedError

LOCAL = {"host": "127.0.0.1:2024"}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("headers", "reached", "status"),
    [
        (LOCAL | JSON, "127.0.0.1", None),
        (LOCAL, "127.0.0.1", None),
        (LOCAL | JSON | {"origin": "http://localhost:3000"}, "127.0.0.1", None),
        (LOCAL | JSON | {"origin": "https://smith.langchain.com"}, "127.0.0.1", None),
        ({"host": "[::1]:2024"}, "::1", None),
        ({"host": "agent.example", "origin": "https://agent.example"}, "10.0.0.5", None),
        ({"host": "api"}, "api", None),
        (LOCAL | {"origin": "https://smith.langchain.com.evil.example"}, "127.0.0.1", 403),
        (LOCAL | {"origin": "http://smith.langchain.com"}, "127.0.0.1", 403),
        (LOCAL | {"origin": "https://evil.example"}, "127.0.0.1", 403),
        (LOCAL | {"origin": "null"}, "127.0.0.1", 403),
        (LOCAL | {"origin": ""}, "127.0.0.1", 403),
        ({"host": "agent.example", "origin": "https://evil.example"}, "10.0.0.5", 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, "127.0.0.1", 403),
        ({"host": "evil.example"}, "::1", 403),
        ({"host": "127.0.0.1.evil.example"}, "127.0.0.1", 403),
        ({}, "127.0.0.1", 403),
        ({"host": "evil.example@127.0.0.1"}, "127.0.0.1", 403),
        (LOCAL | {"origin": "chrome-extension://localhost"}, "127.0.0.1", 403),
        (LOCAL | {"content-type": "text/plain;charset=UTF-8"}, "127.0.0.1", 415),
        (LOCAL | {"content-type": "Multipart/form-data; boundary=x"}, "127.0.0.1", 415),
        (LOCAL | {"content-type": "application/x-www-form-urlencoded"}, "127.0.0.1", 415),
    ],
)
def test_who_is_let_in(headers: dict[str, str], reached: str, status: int | None) -> None:
    if status is None:
        check_page(Headers(headers), reached)
        return
    with pytest.raises(RefusedError) as refused:
        check_page(Headers(headers), reached)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("cors", "variable", "let_in"),
    [
        (None, ["*"], False),
        ({"allow_origins": ["*"]}, ["*"], False),
        ({"allow_origins": ["https://chat.example"]}, ["*"], True),
        ({"allow_origins": ["https://chat.example.org"]}, ["*"], False),
        ({"allow_headers": ["*"]}, ["*"], False),
        (None, ["https://chat.example", "https://other.example"], True),
    ],
)
def test_a_site_that_the_server_names_is_let_in(cors: Any, variable: list[str], let_in: bool) -> None:
    welcome = welcome_origins(SimpleNamespace(CORS_CONFIG=cors, CORS_ALLOW_ORIGINS=variable))
    headers = Headers(LOCAL | {"origin": "https://chat.example"})
    if let_in:
        check_page(headers, "127.0.0.1", welcome)
    else:
        with pytest.raises(RefusedError):
            check_page(headers, "127.0.0.1", welcome)
    check_page(Headers(LOCAL | {"origin": "https://smith.langchain.com"}), "127.0.0.1", welcome)
