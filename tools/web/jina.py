"""Jina's reader: a service that fetches a page and gives it as markdown (https://jina.ai/reader)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag

from configs.errors import ToolCallError
from tools.egress import Egress
from tools.egress_addresses import target_of
from tools.result_text import clean

JINA = "https://r.jina.ai"


@dataclass(frozen=True, slots=True)
class JinaPage:
    """What the reader made of a page."""

    url: str
    title: str
    text: str


async def read_by_jina(egress: Egress, service: str, key: str, url: str) -> JinaPage:
    """A page, read by the service.

    Args:
        service: its address.
        url: of a page on a public host; it becomes known to the service.

    Raises:
        ToolCallError: the service does not give it.
    """
    target = target_of(urldefrag(url).url)
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    fetched = await egress.fetch(f"{service}/{target.url}", headers=headers, seconds=45)
    if fetched.status in (401, 402, 403):
        raise ToolCallError("Jina's reader does not accept the key in JINA_API_KEY, or it is used up")
    if fetched.status != 200:
        raise ToolCallError(f"Jina's reader answered {fetched.status}")
    try:
        data: Any = json.loads(fetched.data)["data"]
        return JinaPage(str(data["url"]), clean(str(data["title"])), clean(str(data["content"])))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ToolCallError("Jina's reader answered with something else than a page") from None
