"""An engine for SearXNG over Wikipedia summaries in SQLite; SearXNG loads this file by its path.

It notes the parameters of each query beside its database, so that a test sees what arrived.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

engine_type = "offline"
categories = ["general", "science"]
time_range_support = True
safesearch = True
paging = False
about: dict[str, str] = {}
database = ""
notes = ""
"""Paths, set by the settings."""
FOUND = "SELECT title, extract FROM wiki WHERE wiki MATCH ? AND language = ? ORDER BY bm25(wiki, 8.0, 1.0) LIMIT 30"
NOTED = ("query", "category", "safesearch", "time_range", "searxng_locale")


def init(_settings: dict[str, Any]) -> bool:
    return True


def search(query: str, params: dict[str, Any]) -> list[dict[str, str]]:
    """The best 30 by BM25 among the summaries of the asked language, English where it is all."""
    with Path(notes).open("a", encoding="utf-8") as file:
        file.write(json.dumps({name: params.get(name) for name in NOTED}) + "\n")
    if query.startswith("slow query"):
        time.sleep(30)
    words = re.findall(r"\w+", query)
    language = str(params.get("searxng_locale") or "en")[:2]
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute(FOUND, [" OR ".join(f'"{word}"' for word in words), language]).fetchall()
    finally:
        connection.close()
    return [
        {
            "title": title,
            "url": f"https://{language}.wikipedia.org/wiki/{quote(title.replace(' ', '_'))}",
            "content": extract,
        }
        for title, extract in rows
    ]
