"""Tells from a page's HTML whether its text comes only when its scripts run."""

from __future__ import annotations

import re

from tools.web.main_content import length
from tools.web.visible import HtmlElement

LITTLE = 250
"""Characters of visible text; a page with scripts and less than that is tried in a browser."""
SOME = 1500
"""Up to so many a page that asks for JavaScript itself is believed."""
ROOTS = frozenset({"root", "app", "__next", "__nuxt", "svelte", "swagger-ui", "redoc", "___gatsby", "q-app"})
_ASKS = re.compile(r"(?:enable|activate|requires?|turn on|needs?|without)\W+(?:\w+\W+){0,2}(?:java\s?script|js)\b")
_PLACEHOLDER = re.compile(r"\{\{.{1,200}?\}\}|<%.{1,200}?%>", re.DOTALL)


def needs_browser(tree: HtmlElement, text: str) -> bool:
    """Whether to render a page.

    Args:
        tree: of the page as it was sent, nothing removed.
        text: what a person would see of it without scripts.
    """
    if not any(_runs(script.get("type", "")) for script in tree.iter("script")):
        return False
    seen = len("".join(text.split()))
    if seen < LITTLE or _PLACEHOLDER.search(text):
        return True
    return seen < SOME and (_asks(tree, text) or _has_empty_root(tree))


def _runs(kind: str) -> bool:
    return kind.strip().lower() in ("", "module", "text/babel", "text/jsx") or "javascript" in kind.lower()


def _asks(tree: HtmlElement, text: str) -> bool:
    said = " ".join([text, *(each.text_content() for each in tree.iter("noscript"))])
    return _ASKS.search(said[: 20 * SOME].lower()) is not None


def _has_empty_root(tree: HtmlElement) -> bool:
    return any(part.get("id") in ROOTS and not length(part) for part in tree.iter("div", "main", "section"))
