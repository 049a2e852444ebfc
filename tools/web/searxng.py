"""SearXNG through its JSON API (docs.searxng.org/dev/search_api.html), at the address the operator configured."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from configs.errors import ToolCallError
from tools.egress import Egress, Fetched
from tools.egress_addresses import checked_host
from tools.web.search_engine import Found, Hit, Query

LIMIT = 5_000_000
SECONDS = 15.0


class SearXNG:
    """An instance, such as http://127.0.0.1:8080 or https://user:password@search.example/searx.

    Its own host and port are reached although they may be private; a redirect to another one is not.
    """

    name = "searxng"

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._host = checked_host(parts.hostname or "")
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._egress = Egress([(self._host, port)])
        self._headers = {"Accept": "application/json"}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def search(self, query: Query) -> Found:
        asked = {
            "q": query.text,
            "format": "json",
            "categories": query.category,
            "language": query.language,
            "safesearch": query.safe_search,
            **({"time_range": query.time_range} if query.time_range is not None else {}),
        }
        url = f"{self._base}/search?{urlencode(asked, quote_via=quote)}"
        try:
            fetched = await self._egress.fetch(url, limit=LIMIT, seconds=SECONDS, headers=self._headers)
        except ToolCallError as error:
            raise ToolCallError(self._reason(str(error))) from None
        return found_in(_json(fetched))

    def _reason(self, message: str) -> str:
        """Without the address, which is nobody's business but the operator's."""
        if message.startswith("refused"):
            return "redirects to another place"
        return message.removeprefix(self._host).lstrip(": ").replace(self._host, "it")


def found_in(reply: dict[str, Any]) -> Found:
    """The results of a reply, those left out that are not as expected."""
    results = [each for each in _list(reply, "results") if isinstance(each, dict)]
    answers = [each.get("answer") if isinstance(each, dict) else each for each in _list(reply, "answers")]
    silent = [str(each[0]) for each in _list(reply, "unresponsive_engines") if isinstance(each, list) and each]
    note = f"of its engines {', '.join(silent[:5])} did not answer" if silent else ""
    return Found(tuple(map(_hit, results)), tuple(each for each in answers if isinstance(each, str)), note)


def _hit(result: dict[str, Any]) -> Hit:
    image = _text(result, "img_src")
    snippet = " ".join(filter(None, [_text(result, "content"), f"Image: {image}" if image else ""]))
    return Hit(_text(result, "title"), _text(result, "url"), snippet, _text(result, "publishedDate")[:10])


def _json(fetched: Fetched) -> dict[str, Any]:
    if fetched.status == 403:
        raise ToolCallError("answered 403: its JSON format is not enabled (search.formats in its settings.yml)")
    if fetched.status == 429:
        raise ToolCallError("answered 429: it takes no more requests for now (its limiter)")
    if fetched.status != 200:
        raise ToolCallError(f"answered {fetched.status}")
    try:
        reply = json.loads(fetched.data)
    except (ValueError, RecursionError):
        raise ToolCallError("did not answer in JSON; is the address that of a SearXNG?") from None
    if not isinstance(reply, dict) or not isinstance(reply.get("results"), list):
        raise ToolCallError("did not answer as a SearXNG does")
    return reply


def _list(reply: dict[str, Any], name: str) -> list[Any]:
    value = reply.get(name)
    return value if isinstance(value, list) else []


def _text(result: dict[str, Any], name: str) -> str:
    value = result.get(name)
    return value if isinstance(value, str) else ""
