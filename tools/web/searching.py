"""A search over several engines: the first that answers, its results without doubles, nearest in meaning first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.result_text import clean
from tools.web.meaning import nearness
from tools.web.search_engine import Found, Hit, Query, SearchEngine
from tools.web.searxng import SearXNG
from tools.web.serpapi_engine import SerpAPI

MOST_READ = 40
"""Of an engine's results, before the nearest of them are chosen."""
TITLE_CHARS, SNIPPET_CHARS, URL_CHARS, ANSWER_CHARS = 200, 400, 1000, 500
COMPARED_CHARS = 300
"""Of a result, title and snippet: what the cost of comparing grows with."""
NO_ENGINE = "no search engine is configured: set SEARXNG_URL to the address of a SearXNG, or SERPAPI_API_KEY"
_TRACKING = re.compile(r"(?i)utm_\w+|fbclid|gclid|msclkid")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Report:
    """Which engine answered, what it found, and why those before it did not."""

    engine: str
    found: Found
    failed: Mapping[str, str]


def engines_of(settings: Settings) -> list[SearchEngine]:
    """The configured engines, in the order in which they are asked.

    Raises:
        ConfigurationError: there are none.
    """
    engines: list[SearchEngine] = []
    if settings.searxng_url is not None:
        engines.append(SearXNG(settings.searxng_url))
    if settings.serpapi_api_key is not None:
        engines.append(SerpAPI(settings.serpapi_api_key.get_secret_value()))
    if not engines:
        raise ConfigurationError(NO_ENGINE)
    return engines


async def searched(engines: Sequence[SearchEngine], query: Query) -> Report:
    """Ask one engine after the other until one finds something.

    Raises:
        ToolCallError: none of them answers; why, for each.
    """
    failed: dict[str, str] = {}
    empty: str | None = None
    for engine in engines:
        try:
            found = _tidy(await engine.search(query))
        except (ToolCallError, ConfigurationError) as error:
            failed[engine.name] = str(error)
            continue
        if found.hits or found.answers:
            return Report(engine.name, await _nearest(found, query), failed)
        empty = empty or engine.name
        failed[engine.name] = "found nothing" + (f"; {found.note}" if found.note else "")
    if empty is None:
        raise ToolCallError(f"no search engine answers: {_reasons(failed)}")
    return Report(empty, Found(()), failed)


def as_text(report: Report, query: Query) -> str:
    """The report for a model: numbered results, and which engine they are from."""
    found = report.found
    if not found.hits and not found.answers:
        return f"Nothing found ({_reasons(report.failed)}). Try other or fewer words."
    head = f"{len(found.hits)} results from {report.engine}, nearest in meaning first"
    notes = [*([_reasons(report.failed)] if report.failed else []), *([found.note] if found.note else [])]
    lines = [f"{head} ({'; '.join(notes)})" if notes else head]
    lines += [f"Answer given: {answer}" for answer in found.answers]
    for number, hit in enumerate(found.hits, start=1):
        dated = f" ({hit.date})" if hit.date else ""
        lines.append(
            "\n   ".join(filter(None, [f"{number}. {hit.title or '(no title)'}{dated}", hit.url, hit.snippet]))
        )
    return "\n".join(lines)


def same_page(url: str) -> str:
    """One text for all spellings of a page's address: scheme, www, tracking, fragment and final slash left out."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.") + (f":{parts.port}" if parts.port not in (None, 80, 443) else "")
    kept = [
        (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(name)
    ]
    return f"{host}{parts.path.rstrip('/')}?{urlencode(sorted(kept))}"


async def _nearest(found: Found, query: Query) -> Found:
    """As many as were asked for; the engine's order where two are equally near, or where there is no model."""
    texts = [f"{hit.title}. {hit.snippet}"[:COMPARED_CHARS] for hit in found.hits]
    try:
        near = await nearness(query.text, texts)
    except ConfigurationError:
        return replace(found, hits=found.hits[: query.count], note=found.note or "in its own order")
    order = sorted(range(len(texts)), key=lambda index: -near[index])
    return replace(found, hits=tuple(found.hits[index] for index in order[: query.count]))


def _tidy(found: Found) -> Found:
    """Bounded, plain texts of web pages, each page once."""
    hits: dict[str, Hit] = {}
    for hit in found.hits[:MOST_READ]:
        try:
            page = same_page(hit.url)
        except ValueError:
            continue
        if hit.url.startswith(("http://", "https://")) and len(hit.url) <= URL_CHARS and page not in hits:
            title, snippet = _line(hit.title, TITLE_CHARS), _line(hit.snippet, SNIPPET_CHARS)
            hits[page] = Hit(title, _line(hit.url, URL_CHARS), snippet, _line(hit.date, 40))
    answers = tuple(filter(None, (_line(answer, ANSWER_CHARS) for answer in found.answers[:3])))
    return Found(tuple(hits.values()), answers, _line(found.note, 200))


def _line(text: str, most: int) -> str:
    plain = _SPACES.sub(" ", clean(text[: most * 10])).strip()
    return plain if len(plain) <= most else f"{plain[: most - 1].rstrip()}…"


def _reasons(failed: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in failed.items())
