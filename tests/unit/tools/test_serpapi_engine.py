"""SerpAPI at the level of its address: the real client libraries against a loopback server that speaks its API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import pytest

from configs.errors import ConfigurationError, ToolCallError
from tests.fakes.raw_web import Answer, RawWeb, raw_web, redirect, response
from tools.web import serpapi_engine
from tools.web.search_engine import Hit, Query
from tools.web.serpapi_engine import SerpAPI, parameters

KEY = "k3y-of-nobody"
REPLY = {
    "search_metadata": {"status": "Success"},
    "answer_box": {"type": "organic_result", "answer": "330 m"},
    "knowledge_graph": {"title": "Eiffel Tower", "description": "A tower in Paris."},
    "organic_results": [
        {
            "position": 1,
            "title": "Eiffel Tower",
            "link": "https://a.example/e",
            "snippet": "A tower.",
            "date": "3 May 2024",
        },
        {"position": 2, "title": "No link", "snippet": None},
        "garbage",
    ],
}
ANSWERS: dict[str, Answer] = {}


@pytest.fixture
async def serpapi(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RawWeb]:
    """The API, answering `/search` with ANSWERS['/search']."""
    import serpapi as library  # type: ignore[import-untyped]  # ships no types

    async with raw_web(ANSWERS) as web:
        monkeypatch.setattr(library.SerpApiClient, "BACKEND", f"http://127.0.0.1:{web.port}")
        yield web
    ANSWERS.clear()


def says(reply: object, status: int = 200) -> None:
    ANSWERS["/search"] = response(json.dumps(reply).encode(), status, content_type="application/json")


async def test_a_search_is_what_the_api_is_asked_and_says(serpapi: RawWeb) -> None:
    says(REPLY)
    found = await SerpAPI(KEY).search(Query("tower", 5, "news", "pt-BR", "week", 2))
    asked = dict(parse_qsl(urlsplit(serpapi.paths[0]).query))
    assert asked == {
        **{"engine": "google", "q": "tower", "num": "5", "safe": "active", "hl": "pt", "gl": "br", "tbm": "nws"},
        **{"tbs": "qdr:w", "api_key": KEY, "output": "json", "source": "python"},
    }
    assert found.hits[0] == Hit("Eiffel Tower", "https://a.example/e", "A tower.", "3 May 2024")
    assert found.answers == ("330 m", "A tower in Paris.")
    assert len(found.hits) == 2


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        (Query("x"), {"engine": "google", "hl": "en", "safe": "active"}),
        (Query("x", category="science", language="all"), {"engine": "google_scholar"}),
        (Query("x", category="images", safe_search=0), {"tbm": "isch", "safe": "off"}),
        (Query("x", category="videos", time_range="day"), {"tbm": "vid", "tbs": "qdr:d"}),
    ],
)
def test_parameters(query: Query, sent: dict[str, str]) -> None:
    assert sent.items() <= parameters(query).items()
    assert ("hl" in parameters(query)) is (query.language != "all")


async def test_a_category_it_does_not_know_is_said(serpapi: RawWeb) -> None:
    says(REPLY)
    assert "knows no category music" in (await SerpAPI(KEY).search(Query("x", category="music"))).note


async def test_nothing_found_is_no_fault(serpapi: RawWeb) -> None:
    says({"error": "Google hasn't returned any results for this query."})
    assert (await SerpAPI(KEY).search(Query("x"))).hits == ()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (response(json.dumps({"error": f"Invalid API key {KEY}."}).encode(), 401), "refused: Invalid API key ***."),
        (response(b"<html>Welcome to the proxy</html>", content_type="text/html"), "did not answer in JSON"),
        (response(b"<html>oops</html>", 502), "answered 502"),
        (response(b"[1]"), "did not answer in JSON"),
        (response(b"[" * 100_000), "did not answer in JSON"),
        (response(b"x" * 6_000_000), "sent more than 5 MB"),
        (redirect("http://127.0.0.1:1/"), "refused: the URL's host cannot be found, or is not a public host"),
        (b"garbage\r\n\r\n", "what it sent is no valid HTTP"),
        (b"", "what it sent is no valid HTTP"),
    ],
)
async def test_faults_are_a_line_without_the_key(serpapi: RawWeb, answer: bytes, told: str) -> None:
    ANSWERS["/search"] = answer
    with pytest.raises(ToolCallError) as raised:
        await SerpAPI(KEY).search(Query("x"))
    assert str(raised.value) == told
    says(REPLY)
    assert (await SerpAPI(KEY).search(Query("x"))).hits


async def test_a_slow_answer_ends_in_time(serpapi: RawWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    async def drip(head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    async def silent(head: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(serpapi_engine, "SECONDS", 0.5)
    for answer in (drip, silent):
        ANSWERS["/search"] = answer
        with pytest.raises(ToolCallError, match=r"^took longer than 0.5 s$"):
            await asyncio.wait_for(SerpAPI(KEY).search(Query("x")), 20)


async def test_a_missing_library_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ConfigurationError, match=r"pip install 'memento-agent\[search\]'"):
        await SerpAPI(KEY).search(Query("x"))
