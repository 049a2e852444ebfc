"""Finds the part of a page that is its content, beside navigation, banners and footers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tools.web.visible import HtmlElement

LANDMARKS = (".//main", ".//*[@role='main']", ".//article")
ENOUGH = 0.25
"""The share of the page's text that a landmark must hold to be the content."""
AROUND = frozenset({"nav", "footer"})
AROUND_ROLES = frozenset({"navigation", "banner", "contentinfo", "complementary", "search"})
_AROUND_NAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|sphinxsidebar|breadcrumbs?|footer|cookies?|consent)(?:$|[\s_-])"
    r"|(?:nav|side)(?:header|footer|bar)",
    re.IGNORECASE,
)
LINKED = 0.4
SHORT = 300
"""A part named like navigation goes where so much of its text is links, or where it is short and has some."""


def main_content(body: HtmlElement) -> HtmlElement:
    """The element that holds the content; what is around it inside is removed.

    Args:
        body: of a tree from which hidden elements are gone already.
    """
    whole = length(body)
    for path in LANDMARKS:
        found = body.findall(path)
        if len(found) == 1 and length(found[0]) >= ENOUGH * whole:
            return _without_around(found[0])
    return _without_around(body)


def length(element: Any) -> int:
    """Characters of text in it, white space aside."""
    return sum(len("".join(text.split())) for text in element.itertext())


def _without_around(element: HtmlElement) -> HtmlElement:
    whole = length(element)
    for part in list(_around(element)):
        if part.getparent() is not None and length(part) < 0.5 * max(whole, 1):
            part.drop_tree()
    return element


def _around(element: HtmlElement) -> Iterator[HtmlElement]:
    for part in element.iter("nav", "footer", "aside", "div", "ul", "section", "form", "header"):
        if part is element:
            continue
        name = f"{part.get('class', '')} {part.get('id', '')}"
        named = _AROUND_NAME.search(name) is not None and _is_for_links(part)
        if part.tag in AROUND or part.get("role") in AROUND_ROLES or named:
            yield part


def _is_for_links(element: HtmlElement) -> bool:
    own = length(element)
    return _links(element) >= LINKED * max(own, 1) or (own <= SHORT and len(element.findall(".//a")) > 1)


def _links(element: HtmlElement) -> int:
    return sum(length(link) for link in element.iter("a"))
