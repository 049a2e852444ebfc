"""What a server at an address may send."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from tools.bounded_http import RemoteEnd, bounded_client
from tools.library import load_library
from tools.server_process import MAX_MESSAGE, TOO_LONG


@pytest.fixture(autouse=True, scope="module")
def _library() -> None:
    load_library()


def client(end: RemoteEnd, *chunks: bytes, **headers: str) -> httpx.AsyncClient:
    """A client whose every request is answered with these chunks."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(200, headers=named, content=body())

    made = bounded_client(end, {"Authorization": "Bearer k"})
    made._transport = httpx.MockTransport(answer)
    made._mounts = {}
    return made


HALF = b"x" * (MAX_MESSAGE // 2 + 1)


async def test_a_message_that_is_too_long_ends_the_session() -> None:
    end = RemoteEnd()
    async with client(end, HALF, HALF) as made:
        with pytest.raises(httpx.ReadError):
            await made.get("http://127.0.0.1/mcp")
    assert (end.fault, end.ended.is_set()) == (TOO_LONG, True)


async def test_many_events_that_are_each_short_enough_go_on_for_ever() -> None:
    end = RemoteEnd()
    async with client(end, *[HALF + b"\n\n"] * 4, content_type="text/event-stream; charset=utf-8") as made:
        assert len((await made.get("http://127.0.0.1/sse")).content) == 4 * (len(HALF) + 2)
    assert not end.ended.is_set()


async def test_an_event_that_is_too_long_ends_the_session() -> None:
    end = RemoteEnd()
    async with client(end, b"data: a\n\n", HALF, HALF, content_type="text/event-stream") as made:
        with pytest.raises(httpx.ReadError):
            await made.get("http://127.0.0.1/sse")
    assert end.fault == TOO_LONG


async def test_what_is_compressed_is_not_read() -> None:
    end = RemoteEnd()
    async with client(end, gzip.compress(b"x" * 1000), content_encoding="gzip") as made:
        with pytest.raises(httpx.DecodingError):
            await made.get("http://127.0.0.1/mcp")
    assert "compressed" in end.fault
