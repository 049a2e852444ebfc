"""Gets pages of the web as text: politely, from the cache where it may, in a browser where it must."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from http import HTTPStatus
from io import BytesIO
from typing import Any, Literal, TypeAlias
from urllib.parse import urldefrag, urlsplit

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.egress import Egress, Fetched
from tools.sandbox.jobs import JobLimits, run_job
from tools.servers.extras import need
from tools.web.browser import Browser
from tools.web.cache import KEPT_HEADERS, Kept, PageCache
from tools.web.freshness import UNTOLD, conditions, freshness, retry_after
from tools.web.html_page import decoded
from tools.web.jina import JINA, read_by_jina
from tools.web.manners import LONGEST_WAIT, Manners, asks_to_wait, origin
from tools.web.other_formats import MORE, document_text

Render: TypeAlias = Literal["auto", "always", "never", "jina"]
HTML = frozenset({"text/html", "application/xhtml+xml", ""})
TEXT = frozenset({"application/json", "application/ld+json", "application/yaml", "application/x-ndjson"})
ACCEPT = "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.8"
READ_LIMITS = JobLimits(seconds=30)
RECENT, RECENT_SECONDS = 16, 300.0
REFUSING = frozenset({401, 403, 406, 429, 451, 500, 502, 503, 504})
"""Statuses that another reader may not meet."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text.

    Attributes:
        url: where it came from in the end.
        text: markdown of the main content.
        note: what the reader should know about how it was read, or empty.
    """

    url: str
    title: str
    text: str
    note: str = ""


class Crawler:
    """For one process; what it keeps in memory is bounded."""

    def __init__(self, settings: Settings, jina: str = JINA) -> None:
        self._settings = settings
        self._jina = jina
        self._egress = Egress.of(settings)
        self._manners = Manners(self._egress)
        self._cache = PageCache(settings.home / "cache" / "pages")
        self.browser = Browser(settings, self._egress)
        self._recent: OrderedDict[tuple[str, str, str], tuple[float, Page]] = OrderedDict()

    async def page(self, url: str, render: Render = "auto", again: bool = False, query: str = "") -> Page:
        """A page.

        Args:
            again: it is read on: what was read in the last minutes will do, so that places in it stay the same.
            query: what is looked for; of a document only what matches it is read.

        Raises:
            ToolCallError: refused, not there, not allowed, or not readable; a line for the model.
            ConfigurationError: a library, a browser or a key is missing.
        """
        url = url.strip()
        key, whole = (url, render, query), (url, render, "")
        at, known = self._recent.get(key) or self._recent.get(whole) or (0.0, None)
        if again and known is not None and time.monotonic() - at < RECENT_SECONDS:
            return known
        page = await self._read(url, render, query)
        self._recent[key if page.note == MORE else whole] = time.monotonic(), page
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        return page

    async def close(self) -> None:
        await self.browser.close()

    async def _read(self, url: str, render: Render, query: str) -> Page:
        if render == "jina":
            return await self._by_jina(url)
        try:
            kept = await self._fetched(url)
        except _RefusedError as error:
            if render == "auto" and self._may_ask_jina(url):
                return await self._by_jina(url)
            raise ToolCallError(str(error)) from None
        if kept.media_type not in HTML:
            return await self._other(kept, query)
        page, scripted = await self._html(kept.data, kept.url, kept.charset)
        if render == "always" or (render == "auto" and scripted):
            return await self._in_browser(url, kept, page, render)
        return page

    async def _in_browser(self, url: str, kept: Kept, plain: Page, render: Render) -> Page:
        try:
            rendered = await self._rendered(url, kept)
        except (ConfigurationError, ToolCallError) as error:
            if render == "always":
                raise
            if self._may_ask_jina(url):
                return await self._by_jina(url)
            return replace(plain, note=f"Read without its scripts, so much may be missing: {error}")
        page, _ = await self._html(rendered.data, rendered.url, "utf-8")
        return replace(page, title=page.title or plain.title, note="Read in a browser.")

    async def _rendered(self, url: str, kept: Kept) -> Kept:
        """The page's HTML after its scripts ran, lately or now."""
        key = f"rendered {url}"
        known = await asyncio.to_thread(self._cache.get, key)
        if known is not None and known.fresh_until > time.time():
            return known
        async with self._manners.turn(url):
            shown = await self.browser.render(url)
        if origin(shown.url) != origin(url):
            await self._manners.check(shown.url)
        if shown.status >= 400:
            raise _answered(shown.url, shown.status)
        made = Kept(shown.url, "text/html", "utf-8", {}, shown.html.encode("utf-8", "replace"), time.time() + UNTOLD)
        if kept.fresh_until > 0:
            await asyncio.to_thread(self._cache.put, key, made)
        return made

    async def _fetched(self, url: str) -> Kept:
        """The answer of the server, from the cache where it is fresh.

        Raises:
            _RefusedError: the server does not give it to us.
        """
        address = urldefrag(url).url
        known = await asyncio.to_thread(self._cache.get, address)
        if known is not None and known.fresh_until > time.time():
            return known
        await self._manners.check(address)
        fetched = await self._asked(address, conditions(known.headers) if known is not None else {})
        before = {"cache-control": known.headers.get("cache-control", "")} if known is not None else {}
        unchanged = fetched.status == HTTPStatus.NOT_MODIFIED
        seconds = freshness({**before, **fetched.headers} if unchanged else fetched.headers, time.time())
        if unchanged and known is not None:
            kept = replace(known, fresh_until=time.time() + (seconds or 0.0))
        elif 200 <= fetched.status < 300:
            headers = {name: fetched.headers[name] for name in KEPT_HEADERS if name in fetched.headers}
            until = time.time() + seconds if seconds is not None else 0.0
            kept = Kept(fetched.url, fetched.media_type, fetched.charset, headers, fetched.data, until)
        else:
            raise _answered(fetched.url, fetched.status)
        if seconds is None:
            await asyncio.to_thread(self._cache.forget, address)
        else:
            await asyncio.to_thread(self._cache.put, address, kept)
        return kept

    async def _asked(self, url: str, headers: dict[str, str]) -> Fetched:
        """One request; a second one where the server asks to wait a little."""
        for last in (False, True):
            async with self._manners.turn(url):
                fetched = await self._egress.fetch(url, headers={"Accept": ACCEPT, **headers})
            if origin(fetched.url) != origin(url):
                await self._manners.check(fetched.url)
            if fetched.status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                return fetched
            seconds = retry_after(fetched.headers, time.time())
            if seconds is None:
                return fetched
            self._manners.wait(url, seconds)
            if last or seconds > LONGEST_WAIT:
                raise _RefusedError(str(asks_to_wait(url, seconds)))
        raise AssertionError("unreachable")

    async def _html(self, data: bytes, url: str, charset: str | None) -> tuple[Page, bool]:
        """The page, and whether it should be rendered."""
        await asyncio.to_thread(need, "markdownify", "crawl")
        arguments = {"url": url, "charset": charset}
        async with run_job("tools.web.html_page:read", {"page": BytesIO(data)}, arguments, READ_LIMITS) as result:
            read: dict[str, Any] = result.value
        note = "Only the beginning of this very long page was read." if read["cut"] else ""
        return Page(url, read["title"], read["markdown"], note), bool(read["scripted"])

    async def _other(self, kept: Kept, query: str) -> Page:
        name = urlsplit(kept.url).path.rpartition("/")[2]
        if kept.media_type in TEXT or kept.media_type == "text/plain" or kept.media_type == "text/markdown":
            return Page(kept.url, name, decoded(kept.data, kept.charset or "utf-8"))
        text = await document_text(name, kept.media_type, kept.data, self._settings, query)
        return Page(kept.url, name, text, MORE)

    def _may_ask_jina(self, url: str) -> bool:
        """Only where there is a key; hosts that are not public are nobody else's business."""
        key = self._settings.jina_api_key
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        private = {each.strip() for each in self._settings.private_hosts.split(",")}
        return key is not None and f"{parts.hostname}:{port}" not in private

    async def _by_jina(self, url: str) -> Page:
        key = self._settings.jina_api_key
        if key is None:
            raise ConfigurationError("render=jina needs a key: set JINA_API_KEY")
        read = await read_by_jina(self._egress, self._jina, key.get_secret_value(), url)
        return Page(read.url, read.title, read.text, "Read by Jina's reader.")


class _RefusedError(ToolCallError):
    """The server answers, but not with the page."""


def _answered(url: str, status: int) -> _RefusedError | ToolCallError:
    words = f" ({HTTPStatus(status).phrase})" if status in HTTPStatus._value2member_map_ else ""
    kind = _RefusedError if status in REFUSING else ToolCallError
    return kind(f"{urlsplit(url).hostname} answered {status}{words}")
