"""Engines one after the other, results without doubles and bounded, told to a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from configs.errors import ConfigurationError, ToolCallError
from tests.conftest import SettingsFactory
from tools.web import searching
from tools.web.search_check import check
from tools.web.search_engine import Found, Hit, Query
from tools.web.searching import as_text, engines_of, same_page, searched
from tools.web.searxng import SearXNG, found_in
from tools.web.serpapi_engine import SerpAPI

CATS = Hit("Cats", "https://a.example/cats", "The cat is a small domesticated animal that purrs.")
STOCKS = Hit("Stocks", "https://a.example/stocks", "A share of the ownership of a company, traded on an exchange.")
ENGINES = Hit("Engines", "https://a.example/engines", "A machine that burns fuel to do mechanical work.")


@dataclass
class Told:
    """An engine that answers what it was told to, or fails with it."""

    name: str
    found: Found | Exception
    asked: list[Query] = field(default_factory=list)

    async def search(self, query: Query) -> Found:
        self.asked.append(query)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


async def text_of(engines: Sequence[Told], query: Query) -> str:
    return as_text(await searched(engines, query), query)


async def test_the_nearest_in_meaning_come_first_and_as_many_as_asked_for() -> None:
    engine = Told("one", Found((STOCKS, ENGINES, CATS)))
    report = await searched([engine], Query("which pet purrs?", count=2))
    assert report.found.hits[0] == CATS
    assert len(report.found.hits) == 2
    assert engine.asked == [Query("which pet purrs?", count=2)]


async def test_without_the_model_the_engines_order_stays_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(query: str, texts: list[str]) -> list[float]:
        raise ConfigurationError("not installed")

    monkeypatch.setattr(searching, "nearness", missing)
    text = await text_of([Told("one", Found((STOCKS, CATS)))], Query("which pet purrs?", count=1))
    assert text.startswith("1 results from one, in its own order") or "in its own order" in text.splitlines()[0]
    assert "Stocks" in text
    assert "Cats" not in text


async def test_the_next_engine_is_asked_when_one_fails_or_finds_nothing() -> None:
    last = Told("three", Found((CATS,)))
    engines = [Told("one", ToolCallError("answered 500")), Told("two", Found(())), last, Told("four", Found((STOCKS,)))]
    text = await text_of(engines, Query("cats"))
    assert text.splitlines()[0] == (
        "1 results from three, nearest in meaning first (one answered 500; two found nothing)"
    )
    assert engines[3].asked == []


async def test_a_missing_library_is_a_failure_of_that_engine_only() -> None:
    engines = [Told("one", ConfigurationError("x is not installed: pip install y")), Told("two", Found((CATS,)))]
    assert "one x is not installed: pip install y" in await text_of(engines, Query("cats"))


async def test_nothing_found_is_said_plainly_and_all_failing_is_an_error() -> None:
    empty = [Told("one", ToolCallError("answered 500")), Told("two", Found((), note="its engine x did not answer"))]
    assert await text_of(empty, Query("cats")) == (
        "Nothing found (one answered 500; two found nothing; its engine x did not answer). Try other or fewer words."
    )
    with pytest.raises(ToolCallError) as raised:
        await searched(
            [Told("one", ToolCallError("answered 500")), Told("two", ToolCallError("answered 403"))], Query("x")
        )
    assert str(raised.value) == "no search engine answers: one answered 500; two answered 403"


async def test_a_page_comes_once_and_only_web_pages_come() -> None:
    spellings = [
        "http://www.a.example/cats/",
        "https://a.example/cats?utm_source=x&fbclid=1",
        "https://A.example/cats#tail",
    ]
    others = [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "",
        "http://[",
        "https://b.example/" + "x" * 2000,
    ]
    hits = [CATS, *(Hit("same", url, "") for url in spellings), *(Hit("other", url, "") for url in others)]
    report = await searched([Told("one", Found(tuple(hits)))], Query("cats", count=20))
    assert [hit.url for hit in report.found.hits] == [CATS.url]
    assert same_page("https://a.example/?b=1&a=2") == same_page("http://a.example?a=2&b=1")
    assert same_page("https://a.example/?a=1") != same_page("https://a.example/?a=2")
    assert same_page("https://a.example:8443/") != same_page("https://a.example/")


async def test_a_flood_of_results_is_bounded_and_its_text_is_one_line_each() -> None:
    page = "x\x1b[31m\n\n" + "word " * 100_000
    hits = tuple(Hit(page, f"https://a.example/{number}", page, page) for number in range(1000))
    text = await text_of([Told("one", Found(hits, (page,) * 50, page))], Query("word", count=20))
    assert len(text) < 20 * 900 + 2500
    assert "\x1b" not in text
    assert len(text.splitlines()) == 1 + 3 + 20 * 3


def test_engines_are_those_configured(settings: SettingsFactory) -> None:
    both = engines_of(settings(searxng_url="http://127.0.0.1:1", serpapi_api_key="k3y"))
    assert [engine.name for engine in both] == ["searxng", "serpapi"]
    assert [engine.name for engine in engines_of(settings(serpapi_api_key="k3y"))] == ["serpapi"]
    with pytest.raises(ConfigurationError) as raised:
        engines_of(settings())
    assert str(raised.value) == (
        "no search engine is configured: set SEARXNG_URL to the address of a SearXNG, or SERPAPI_API_KEY"
    )


async def test_the_check_names_who_answers_and_who_does_not(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    engines = [Told("one", Found((CATS,))), Told("two", Found((CATS,)))]
    monkeypatch.setattr("tools.web.search_check.engines_of", lambda _: engines)
    assert await check(settings()) == "one answers; two is configured, not tried"
    engines[0].found = ToolCallError("answered 403")
    assert await check(settings()) == "two answers; one answered 403"
    engines[1].found = Found(())
    with pytest.raises(ToolCallError, match="finds nothing: one answered 403; two found nothing"):
        await check(settings())


@pytest.mark.parametrize("value", [None, 1, "x", [], [1, None, "x", [[]]], {"a": 1}])
def test_replies_of_any_shape_are_read(value: Any) -> None:
    fields = ("results", "answers", "unresponsive_engines")
    for name in fields:
        found_in({**{key: [] for key in fields}, name: value})
    found = found_in(
        {"results": [dict.fromkeys(("title", "url", "content", "img_src", "publishedDate"), value), value]}
    )
    assert all(isinstance(hit, Hit) and isinstance(hit.title, str) for hit in found.hits)
    json.dumps([hit.url for hit in found.hits])


async def test_an_address_with_a_password_is_never_told() -> None:
    engine = SearXNG("http://ann:s3cret@127.0.0.1:1/searx")
    with pytest.raises(ToolCallError) as raised:
        await asyncio.wait_for(engine.search(Query("cats")), 30)
    assert str(raised.value) == "does not answer"
    assert "k3y" not in repr(SerpAPI("k3y"))
