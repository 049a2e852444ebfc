"""Answers a query from pages: the passages that fit best, word for word, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from configs.errors import ConfigurationError, ToolCallError
from tools.web.crawler import Crawler, Page, Render
from tools.web.passages import chosen, passages, ranked
from tools.web.shown import quotes

CHARACTERS_A_TOKEN = 3.5
"""Of English, on the safe side."""
ABOUT = 12
"""Headings that are told where nothing answers."""


async def extract(crawler: Crawler, urls: Sequence[str], query: str, max_tokens: int, render: Render) -> str:
    """The passages of the pages that answer the query.

    Raises:
        ToolCallError: none of the pages can be read.
        ConfigurationError: a library, a browser or a key is missing.
    """
    pages, failures = await _read(crawler, urls, query, render)
    characters = int(max_tokens * CHARACTERS_A_TOKEN)
    texts = [page.text for page in pages]
    best = await asyncio.to_thread(ranked, texts, query)
    found = quotes(pages, chosen(texts, best, characters)) or _nothing(pages, characters)
    return "\n\n".join([found, *failures])


async def _read(crawler: Crawler, urls: Sequence[str], query: str, render: Render) -> tuple[list[Page], list[str]]:
    addresses = list(dict.fromkeys(url.strip() for url in urls))
    tasks = [asyncio.ensure_future(crawler.page(url, render, again=True, query=query)) for url in addresses]
    try:
        results = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
    pages = [each for each in results if isinstance(each, Page)]
    faults = {url: each for url, each in zip(addresses, results, strict=True) if isinstance(each, BaseException)}
    for fault in faults.values():
        if not pages or not isinstance(fault, ToolCallError | ConfigurationError):
            raise fault
    return pages, [f"Not read: {url[:200]}: {fault}" for url, fault in faults.items()]


def _nothing(pages: Sequence[Page], characters: int) -> str:
    """What the pages are about instead."""
    lines = ["Nothing on the page answers that; try other words, or read it with crawl_page."]
    for page in pages:
        headings = dict.fromkeys(passage.headings[-1] for passage in passages(page.text) if passage.headings)
        lines.append(f"{page.title} ({page.url}): {'; '.join(list(headings)[:ABOUT]) or page.text[:200]}")
    return "\n".join(lines)[:characters]
