"""HTML as markdown."""

from __future__ import annotations

import warnings
from typing import Any

from tools.documents.document import EXTRA, Document, Source, of_text
from tools.documents.plain import decoded
from tools.servers.extras import need

MAX_HTML = 20_000_000
SILENT = ("script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "head")
DEEP = 200
"""Elements nested deeper are told as plain text: what walks them would run out of stack."""


def read(source: Source) -> Document:
    """A page, whole, navigation and all: it is a file that somebody saved, not a site."""
    text, encoding = decoded(source.path.read_bytes()[: MAX_HTML + 1])
    facts = [f"encoding {encoding}"] if encoding not in ("utf-8", "ascii") else []
    title, body = markdown(text[:MAX_HTML])
    return of_text("HTML page", body, [*([f"title: {title}"] if title else []), *facts])


def markdown(html: str) -> tuple[str, str]:
    """The title and the body."""
    soups = need("bs4", EXTRA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", soups.XMLParsedAsHTMLWarning)
        soup = soups.BeautifulSoup(html, "lxml")
    title = soup.title.get_text(" ", strip=True)[:200] if soup.title else ""
    for element in soup(SILENT):
        element.decompose()
    return title, _converted(soup)


def _converted(soup: Any) -> str:
    if _depth(soup) > DEEP:
        return str(soup.get_text("\n", strip=True))
    converter = need("markdownify", EXTRA).MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        escape_underscores=False,
        escape_asterisks=False,
        escape_misc=False,
        table_infer_header=True,
        keep_inline_images_in=["td", "th", "p", "a"],
    )
    for picture in soup.find_all("img"):
        if str(picture.get("src", "")).startswith("data:"):
            picture["src"] = ""
    for table in soup.find_all("table"):
        _fill_spans(soup, table)
    lines = str(converter.convert_soup(soup)).splitlines()
    kept: list[str] = []
    for line in map(str.rstrip, lines):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _fill_spans(soup: Any, table: Any) -> None:
    """Put empty cells where a cell of a row above reaches down, so that columns stay below each other."""
    reaching: dict[int, int] = {}
    for row in table.find_all("tr"):
        column = 0
        for cell in row.find_all(["td", "th"], recursive=False):
            while reaching.get(column, 0) > 0:
                reaching[column] -= 1
                cell.insert_before(soup.new_tag("td"))
                column += 1
            for _ in range(_span(cell, "colspan")):
                reaching[column] = _span(cell, "rowspan") - 1
                column += 1


def _span(cell: Any, name: str) -> int:
    text = str(cell.get(name, "1"))
    return min(int(text), 100) if text.isascii() and text.isdigit() and int(text) else 1


def _depth(soup: Any) -> int:
    """How deep elements are nested; counted only as far as it matters."""
    level, depth = [soup], 0
    while level and depth <= DEEP:
        level = [child for element in level for child in element.children if getattr(child, "name", None)]
        depth += 1
    return depth
