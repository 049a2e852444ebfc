"""The crawler without a browser: the cache, robots.txt, pace, and Jina's reader."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings, load_settings
from tests.fakes.raw_web import Answer, RawWeb, raw_web, response
from tools.web.crawler import Crawler, Render


def text(cache_control: str = "", etag: str = "") -> bytes:
    return response(b"The page.", content_type="text/plain", cache_control=cache_control, etag=etag)


@asynccontextmanager
async def crawling(
    home: Path, answers: dict[str, Answer], **overrides: str
) -> AsyncIterator[tuple[Crawler, RawWeb, str]]:
    async with raw_web(answers) as web:
        made = await asyncio.to_thread(_settings, home, web.port, overrides)
        yield Crawler(made, jina=f"http://127.0.0.1:{web.port}/reader"), web, f"http://127.0.0.1:{web.port}"


def _settings(home: Path, port: int, overrides: dict[str, str]) -> Settings:
    more = [f"{name}={value}" for name, value in overrides.items()]
    return load_settings(overrides=[f"home={home}", f"private_hosts=127.0.0.1:{port}", *more])


async def test_a_fresh_page_is_asked_for_once_by_several_crawlers(home: Path) -> None:
    async with crawling(home, {"/a": text(cache_control="max-age=600")}) as (crawler, web, site):
        for _ in range(2):
            page = await crawler.page(f"{site}/a#part")
            assert (page.title, page.text) == ("a", "The page.")
        other = Crawler(await asyncio.to_thread(_settings, home, web.port, {}))
        assert (await other.page(f"{site}/a")).text == "The page."
        assert web.paths == ["/robots.txt", "/a"]


async def test_a_stale_page_is_asked_for_by_its_tag(home: Path) -> None:
    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        known = b'if-none-match: "7"' in head.lower()
        writer.write(response(status=304) if known else text(etag='"7"', cache_control="no-cache"))
        await writer.drain()

    async with crawling(home, {"/a": answer}) as (crawler, web, site):
        for _ in range(3):
            assert (await crawler.page(f"{site}/a")).text == "The page."
        assert web.paths == ["/robots.txt", "/a", "/a", "/a"]
        assert b'"7"' not in web.heads[1]


async def test_what_must_not_be_kept_is_not(home: Path) -> None:
    async with crawling(home, {"/a": text(cache_control="no-store")}) as (crawler, web, site):
        for _ in range(2):
            await crawler.page(f"{site}/a")
        assert web.paths.count("/a") == 2
        assert not await asyncio.to_thread((home / "cache" / "pages").exists)


async def test_robots_are_obeyed(home: Path) -> None:
    rules = b"User-agent: *\nDisallow: /private\nUser-agent: memento-agent\nDisallow: /not-you\nAllow: /private\n"
    answers: dict[str, Answer] = {"/robots.txt": response(rules), "/private": text(), "/not-you": text()}
    async with crawling(home, answers) as (crawler, web, site):
        assert (await crawler.page(f"{site}/private")).text == "The page."
        with pytest.raises(ToolCallError, match=r"robots\.txt of 127\.0\.0\.1 does not allow this page"):
            await crawler.page(f"{site}/not-you")
        assert web.paths == ["/robots.txt", "/private"]


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (response(status=404), True),
        (response(status=403), True),
        (response(status=500), False),
        (response(status=429), False),
        (response(b"\xff\x00" * 300_000), True),
        (response(b"User-agent: *\nDisallow: /" + b"*a" * 100_000), True),
        (response(b"Disallow: /\n" * 40_000 + b"User-agent: *"), True),
    ],
)
async def test_robots_of_every_kind(home: Path, robots: bytes, allowed: bool) -> None:
    async with crawling(home, {"/robots.txt": robots, "/a": text()}) as (crawler, web, site):
        if allowed:
            assert (await crawler.page(f"{site}/a")).text == "The page."
        else:
            with pytest.raises(ToolCallError, match=r"does not tell at present what its robots\.txt allows"):
                await crawler.page(f"{site}/a")
            assert web.paths == ["/robots.txt"]


async def test_a_host_is_asked_one_by_one_with_pauses(home: Path) -> None:
    at: list[float] = []

    async def answer(head: bytes, writer: asyncio.StreamWriter) -> None:
        at.append(time.monotonic())
        await asyncio.sleep(0.1)
        writer.write(text())
        await writer.drain()

    async with crawling(home, {"/a": answer}) as (crawler, _, site):
        await asyncio.gather(*(crawler.page(f"{site}/a?{number}") for number in range(4)))
    assert all(later - earlier >= 0.35 for earlier, later in pairwise(at))


async def test_plain_text_and_data_are_shown_as_they_are(home: Path) -> None:
    answers: dict[str, Answer] = {
        "/data.json": response(b'{"a": [1, "\xc3\xbc"]}', content_type="application/json"),
        "/notes.txt": response("Grüße <b>".encode("latin-1"), content_type="text/plain; charset=latin-1"),
    }
    async with crawling(home, answers) as (crawler, _, site):
        assert (await crawler.page(f"{site}/data.json")).text == '{"a": [1, "ü"]}'
        assert (await crawler.page(f"{site}/notes.txt")).text == "Grüße <b>"


READ = json.dumps({"code": 200, "data": {"title": "J", "url": "http://a.example/", "content": "From Jina\u200b."}})


@pytest.mark.parametrize("render", ["jina", "auto"])
async def test_jina_reads_where_it_is_asked_to_or_has_to(home: Path, render: Render) -> None:
    """With `auto` only what the site refuses, and only of public hosts: here the site is none, so it stays refused."""
    answers: dict[str, Answer] = {"/reader/http://a.example/x": response(READ.encode()), "/x": response(status=403)}
    async with crawling(home, answers, jina_api_key="jina-key") as (crawler, web, site):
        if render == "jina":
            page = await crawler.page("http://a.example/x", render=render)
            assert (page.title, page.url, page.text) == ("J", "http://a.example/", "From Jina.")
            assert b"authorization: bearer jina-key" in web.heads[0].lower()
        else:
            with pytest.raises(ToolCallError, match="answered 403"):
                await crawler.page(f"{site}/x", render=render)
            assert not any("reader" in path for path in web.paths)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (response(status=401), "does not accept the key in JINA_API_KEY"),
        (response(status=500), "answered 500"),
        (response(b"<html>"), "something else than a page"),
        (response(b'{"data": []}'), "something else than a page"),
        (response(b"[" * 100_000), "something else than a page"),
    ],
)
async def test_faults_of_jina(home: Path, answer: bytes, message: str) -> None:
    async with crawling(home, {"/reader/http://a.example/": answer}, jina_api_key="k") as (crawler, _, _):
        with pytest.raises(ToolCallError, match=message):
            await crawler.page("http://a.example/", render="jina")


async def test_jina_without_a_key_says_what_to_set(home: Path) -> None:
    async with crawling(home, {}) as (crawler, web, _):
        with pytest.raises(ConfigurationError, match="set JINA_API_KEY"):
            await crawler.page("http://a.example/", render="jina")
        assert web.heads == []
