"""Google by way of SerpAPI, with the parameters of langchain-community's wrapper and bounds of our own.

The wrapper's `results()` swaps sys.stdout of the whole process while it waits, and has no deadline and no bound; so the
request it describes is sent through egress. Documentation: serpapi.com/search-api.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any
from urllib.parse import urlencode, urlsplit

from configs.errors import ToolCallError
from tools.egress import Egress
from tools.egress_addresses import checked_host
from tools.servers.extras import need
from tools.web.search_engine import Found, Hit, Query

LIMIT = 5_000_000
SECONDS = 20.0
TABS = {"news": "nws", "images": "isch", "videos": "vid"}
AGES = {"day": "qdr:d", "week": "qdr:w", "month": "qdr:m", "year": "qdr:y"}
LISTS = ("organic_results", "news_results", "images_results", "video_results")
NOTHING = "hasn't returned any results"
"""What SerpAPI says, as an error, where Google found nothing."""


class SerpAPI:
    """The service behind a key."""

    name = "serpapi"

    def __init__(self, key: str) -> None:
        self._key = key

    async def search(self, query: Query) -> Found:
        reply = await _fetched(await asyncio.to_thread(self._url, parameters(query)))
        error = reply.get("error")
        if isinstance(error, str) and NOTHING not in error:
            raise ToolCallError(f"refused: {error.replace(self._key, '***')[:200]}")
        known = query.category in ("general", "science", *TABS)
        note = "" if known else f"it knows no category {query.category}; this is the general one"
        return Found(tuple(_hits(reply)), tuple(_answers(reply)), note)

    def _url(self, chosen: dict[str, str]) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the library announces its end
            wrappers = need("langchain_community.utilities.serpapi", "search")
            library = need("serpapi", "search")
        wrapper = wrappers.SerpAPIWrapper(serpapi_api_key=self._key, params=chosen)
        url, sent = library.SerpApiClient({**wrapper.get_params(chosen["q"]), "output": "json"}).construct_url()
        return f"{url}?{urlencode(sent)}"


def parameters(query: Query) -> dict[str, str]:
    """The query in SerpAPI's names; of the key nothing."""
    language, _, country = query.language.partition("-")
    chosen = {
        "engine": "google_scholar" if query.category == "science" else "google",
        "q": query.text,
        "num": str(query.count),
        "safe": "off" if query.safe_search == 0 else "active",
    }
    if language not in ("all", "auto"):
        chosen["hl"] = language
    if country:
        chosen["gl"] = country.lower()
    if query.category in TABS:
        chosen["tbm"] = TABS[query.category]
    if query.time_range is not None:
        chosen["tbs"] = AGES[query.time_range]
    return chosen


async def _fetched(url: str) -> dict[str, Any]:
    """One request to the API's own host; errors tell no address, for the key is in it."""
    parts = urlsplit(url)
    host, port = checked_host(parts.hostname or ""), parts.port or (443 if parts.scheme == "https" else 80)
    try:
        fetched = await Egress([(host, port)]).fetch(url, limit=LIMIT, seconds=SECONDS)
    except ToolCallError as error:
        raise ToolCallError(str(error).removeprefix(host).lstrip(": ")) from None
    return _reply(fetched.status, fetched.data)


def _reply(status: int, body: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        reply = None
    if isinstance(reply, dict) and (status == 200 or isinstance(reply.get("error"), str)):
        return reply
    raise ToolCallError("did not answer in JSON" if status == 200 else f"answered {status}")


def _hits(reply: dict[str, Any]) -> list[Hit]:
    found = [each for name in LISTS for each in _list(reply, name) if isinstance(each, dict)]
    return [_hit(each) for each in found]


def _hit(result: dict[str, Any]) -> Hit:
    image = _text(result, "original")
    said = [_text(result, "snippet") or _text(result, "source"), f"Image: {image}" if image else ""]
    return Hit(_text(result, "title"), _text(result, "link"), " ".join(filter(None, said)), _text(result, "date"))


def _answers(reply: dict[str, Any]) -> list[str]:
    box, graph = reply.get("answer_box"), reply.get("knowledge_graph")
    said = [_text(box, name) for name in ("answer", "result", "snippet")] if isinstance(box, dict) else []
    known = [_text(graph, "description")] if isinstance(graph, dict) else []
    return [each for each in [next(filter(None, said), ""), *known] if each]


def _list(reply: dict[str, Any], name: str) -> list[Any]:
    value = reply.get(name)
    return value if isinstance(value, list) else []


def _text(result: dict[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) else ""
