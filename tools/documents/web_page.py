"""HTML as markdown."""

from __future__ import annotations

import warnings

from tools.documents.document import EXTRA, Document, Source, of_text
from tools.documents.plain import decoded
from tools.servers.extras import need
from tools.web.html_page import parsed
from tools.web.notation import write_out
from tools.web.spans import fill_spans
from tools.web.visible import NEVER_SHOWN, HtmlElement, hides, remove_hidden

MAX_HTML = 20_000_000
DEEP = 200
"""Elements nested deeper are told as plain text: what walks them would run out of stack, and libxml2 stops at 256."""


def read(source: Source) -> Document:
    """A page, whole, navigation and all: it is a file that somebody saved, not a site."""
    text, encoding = decoded(source.path.read_bytes()[: MAX_HTML + 1])
    facts = [f"encoding {encoding}"] if encoding not in ("utf-8", "ascii") else []
    title, body, left_out = _shown(text[:MAX_HTML])
    facts += ["text that the page hides is left out"] if left_out else []
    return of_text("HTML page", body, [*([f"title: {title}"] if title else []), *facts])


def markdown(html: str) -> tuple[str, str]:
    """The title and the body, without what nobody sees."""
    return _shown(html)[:2]


def _shown(html: str) -> tuple[str, str, bool]:
    """The same, and whether there was text that the page hides."""
    tree = parsed(html)
    if tree is None:
        return "", "", False
    heading = tree.find(".//title")
    title = " ".join(str(heading.text_content()).split())[:200] if heading is not None else ""
    if _depth(tree) > DEEP:
        return title, *_plain(html)
    left_out = remove_hidden(tree)
    write_out(tree)
    return title, _converted(tree), left_out


def _plain(html: str) -> tuple[str, bool]:
    """The text of a page that is nested so deeply that the other parser leaves it out; whether it hides some."""
    left_out = False
    soups = need("bs4", EXTRA)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", soups.XMLParsedAsHTMLWarning)
        soup = soups.BeautifulSoup(html, "lxml")
    for element in soup(
        lambda each: each.name in NEVER_SHOWN or each.has_attr("hidden") or hides(each.get("style", ""))
    ):
        if not element.decomposed:
            left_out = left_out or (element.name not in NEVER_SHOWN and bool(element.get_text(strip=True)))
            element.decompose()
    return str(soup.get_text("\n", strip=True)), left_out


def _converted(tree: HtmlElement) -> str:
    converter = need("markdownify", EXTRA).MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        escape_underscores=False,
        escape_asterisks=False,
        escape_misc=False,
        table_infer_header=True,
        keep_inline_images_in=["td", "th", "p", "a"],
    )
    for picture in tree.iter("img"):
        if picture.get("src", "").startswith("data:"):
            picture.set("src", "")
    fill_spans(tree)
    lines = str(converter.convert(str(need("lxml.html", EXTRA).tostring(tree, encoding="unicode")))).splitlines()
    kept: list[str] = []
    for line in map(str.rstrip, lines):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def _depth(tree: HtmlElement) -> int:
    """How deep elements are nested; counted only as far as it matters."""
    level, depth = [tree], 0
    while level and depth <= DEEP:
        level = [child for element in level for child in element]
        depth += 1
    return depth
