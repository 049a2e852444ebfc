"""What a person who looks at a page would see of it: the tree of an HTML page without what is hidden in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

HtmlElement: TypeAlias = Any
"""An `lxml.html.HtmlElement`; lxml has no types."""
MARK = "data-memento-hidden"
"""Attribute that the browser's script puts on elements which its computed styles hide."""
NEVER_SHOWN = frozenset(
    {
        *("script", "style", "template", "noscript", "head", "meta", "link", "base", "object", "embed", "applet"),
        *("iframe", "frame", "frameset", "svg", "canvas", "video", "audio", "source", "track"),
        *("input", "select", "datalist", "dialog", "map", "area"),
    }
)
_HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?:\.0+)?(?![.\d])|font-size:0(?![.\d])"
    r"|(?:left|top|right|bottom|text-indent|margin-left):-\d{4,}|clip:rect\((?:0|1)(?:px)?[, ]+(?:0|1)"
    r"|clip-path:inset\((?:50|100)%"
)
_RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
_SIMPLE = re.compile(r"(?:[a-z][a-z0-9]*)?([.#])([\w-]+)", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_RULE = re.compile(r"@[^{};]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
MAX_STYLE = 200_000


def remove_hidden(root: HtmlElement) -> None:
    """Take everything out of the tree that is not shown: scripts, comments, hidden elements. Text after them stays."""
    classes, names = _hidden_by_style(root)
    for element in list(root.iter()):
        is_element = isinstance(element.tag, str)  # and no comment or processing instruction
        if not is_element or (element is not root and _goes(element, classes, names)):
            _remove(element)


def hides(style: str) -> bool:
    """Whether a style attribute, or the body of a rule, makes an element invisible."""
    return _HIDING.search(re.sub(r"\s+", "", style.lower()).replace("!important", "")) is not None


def _goes(element: Any, classes: frozenset[str], names: frozenset[str]) -> bool:
    given = element.attrib
    return (
        element.tag in NEVER_SHOWN
        or "hidden" in given
        or MARK in given
        or (classes and not classes.isdisjoint(given.get("class", "").split()))
        or given.get("id") in names
        or ("style" in given and hides(given["style"]))
    )


def _hidden_by_style(root: HtmlElement) -> tuple[frozenset[str], frozenset[str]]:
    """Classes and ids that rules of the page's own style elements hide, where a rule is about nothing else."""
    text = "\n".join(style.text or "" for style in root.iter("style"))[:MAX_STYLE]
    found = list(_hidden_selectors(_AT_RULE.sub("", _COMMENT.sub("", text))))
    return frozenset(n for kind, n in found if kind == "."), frozenset(n for kind, n in found if kind == "#")


def _hidden_selectors(css: str) -> Iterator[tuple[str, str]]:
    for selectors, body in _RULE.findall(css):
        if hides(body):
            for selector in selectors.split(","):
                match = _SIMPLE.fullmatch(selector.strip())
                if match:
                    yield match[1], match[2]


def _remove(element: Any) -> None:
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        before = element.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)
