"""Reads an HTML page: its title and its content as markdown, without what is hidden in it.

Runs in the sandbox, like every parser of foreign bytes; see `tools.sandbox.jobs`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from tools.result_text import clean
from tools.servers.extras import need
from tools.web.main_content import main_content
from tools.web.notation import write_out
from tools.web.scripted import needs_browser
from tools.web.spans import fill_spans
from tools.web.visible import HtmlElement, remove_hidden

MAX_BYTES = 4_000_000
MAX_TITLE = 300
_META = re.compile(rb"<meta[^>]{1,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_LINE_ENDS = re.compile(r"[ \t]+$", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a tree may hold after parsing but does not take back."""
_LANGUAGE = re.compile(r"(?:language|lang|highlight|brush)[-:]\s?([a-z0-9+#]{1,20})", re.IGNORECASE)


def read(inputs: Mapping[str, Path], out: Path, url: str, charset: str | None = None) -> dict[str, Any]:
    """The page in `inputs["page"]`.

    Args:
        url: where it came from, for its relative links.
        charset: as the server told it.

    Returns:
        title, markdown, `scripted` (whether it should be rendered in a browser) and `cut` (not all of it was read).
    """
    with inputs["page"].open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return {**read_text(decoded(data[:MAX_BYTES], charset), url), "cut": len(data) > MAX_BYTES}


def read_text(text: str, url: str) -> dict[str, Any]:
    """The same for text that is in memory."""
    tree = parsed(text)
    if tree is None:
        return {"title": "", "markdown": "", "scripted": False}
    title = _title(tree)
    original = parsed(text)
    base = _base(tree, url)
    remove_hidden(tree)
    write_out(tree)
    body = tree.find(".//body")
    body = body if body is not None else tree
    visible = " ".join(body.itertext())
    scripted = original is not None and needs_browser(original, visible)
    return {"title": title, "markdown": markdown(main_content(body), base), "scripted": scripted}


def decoded(data: bytes, charset: str | None) -> str:
    """The text of a page: by its byte order mark, what the server or the page itself says, UTF-8, or Windows-1252."""
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff")
    declared = _META.search(data[:4096])
    for said in (charset, declared[1].decode("ascii") if declared else None):
        try:
            if said and codecs.lookup(said)._is_text_encoding:
                return data.decode(said, "replace")
        except LookupError:
            continue
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.decode("utf-8" if error.reason == "unexpected end of data" else "cp1252", "replace")


def parsed(text: str) -> HtmlElement | None:
    """The tree of an HTML text, however broken it is; None where there is nothing in it."""
    lxml, etree = need("lxml.html", "crawl"), need("lxml.etree", "crawl")
    try:
        parser = lxml.HTMLParser(encoding="utf-8", recover=True, no_network=True)
        tree = lxml.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError):
        return None
    for each in tree.iter():
        if each.text and _ILLEGAL.search(each.text):
            each.text = _ILLEGAL.sub("", each.text)
        if each.tail and _ILLEGAL.search(each.tail):
            each.tail = _ILLEGAL.sub("", each.tail)
    return tree


def markdown(element: HtmlElement, base: str) -> str:
    """An element of a page as markdown; links are whole addresses, and the page's own anchors are no links."""
    html, markdownify = need("lxml.html", "crawl"), need("markdownify", "crawl")
    _prepare_links(element, base)
    _open_layout(element)
    fill_spans(element)
    _flow(element)
    converter = markdownify.MarkdownConverter(
        heading_style="atx", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False,
        code_language_callback=_language, keep_inline_images_in=["td", "th", "a", "h1", "h2", "h3"],
        table_infer_header=True,
    )  # fmt: skip
    try:
        text: str = converter.convert(str(html.tostring(element, encoding="unicode", with_tail=False)))
    except RecursionError:  # elements nested thousands deep
        text = str(element.text_content())
    return _BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("", clean(text))).strip()


def _title(tree: HtmlElement) -> str:
    element = tree.find(".//title")
    heading = tree.find(".//h1")
    text: str = next((" ".join(str(e.text_content()).split()) for e in (element, heading) if e is not None), "")
    return clean(text)[:MAX_TITLE]


def _base(tree: HtmlElement, url: str) -> str:
    element = tree.find(".//base")
    given = element.get("href") if element is not None else None
    return _joined(url, given) if given else url


def _prepare_links(element: HtmlElement, base: str) -> None:
    here = base.partition("#")[0]
    for link in list(element.iter("a")):
        if "headerlink" in link.get("class", "").split():
            link.drop_tree()
            continue
        target = _joined(base, link.get("href", ""))
        link.attrib.pop("title", None)
        if urlsplit(target).scheme in ("http", "https", "mailto") and target.partition("#")[0] != here:
            link.set("href", target)
        else:
            link.attrib.pop("href", None)
    for image in list(element.iter("img")):
        source = _joined(base, image.get("src", ""))
        image.attrib.pop("title", None)
        if image.get("alt", "").strip() and source.startswith("http"):
            image.set("src", source)
        else:
            image.drop_tree()


def _open_layout(element: HtmlElement) -> None:
    """Tables that only place things, other tables among them, are no tables of data."""
    for table in list(element.iter("table")):
        if table.get("role") in ("presentation", "none") or table.find(".//table") is not None:
            for part in list(table.iter("table", "tbody", "thead", "tfoot", "tr", "td", "th", "colgroup", "caption")):
                if next(part.iterancestors("table"), table) is table:
                    part.tag = "div"


def _flow(element: HtmlElement) -> None:
    """Line ends of the source are spaces on the page, but in preformatted text."""
    kept = {each for pre in element.iter("pre", "textarea") for each in pre.iter()}
    for each in element.iter():
        if each not in kept and each.text:
            each.text = _SPACE.sub(" ", each.text)
        if each.tail and (each not in kept or each.tag in ("pre", "textarea")):
            each.tail = _SPACE.sub(" ", each.tail)


def _joined(base: str, target: str) -> str:
    try:
        joined = _ILLEGAL.sub("", urljoin(base, target.strip()))
        urlsplit(joined)
    except ValueError:
        return ""
    return joined


def _language(element: Any) -> str:
    """Of a `pre`, from its own, its code's or its frame's class."""
    parts = [element, element.find("code"), element.parent, element.parent.parent if element.parent else None]
    names = " ".join(" ".join(part.get("class") or []) for part in parts if part is not None)
    match = _LANGUAGE.search(names)
    return match[1] if match and match[1] not in ("default", "none") else ""
