"""What a person who looks at a page would see of it: the tree of an HTML page without what is hidden in it."""

from __future__ import annotations

from typing import Any, TypeAlias

from tools.web.style_rules import Declared, StyleRules, declared

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


def remove_hidden(root: HtmlElement) -> bool:
    """Take everything out of the tree that is not shown: scripts, comments, hidden elements. Text after them stays.

    Returns:
        Whether there was text among it that the page has, but hides.
    """
    rules = StyleRules.of("\n".join(style.text or "" for style in root.iter("style")))
    invisible: set[HtmlElement] = set()
    inside: set[HtmlElement] = set()
    gone: list[HtmlElement] = []
    left_out = False
    for element in root.iter():
        parent = element.getparent()
        if parent in inside:
            inside.add(element)
        elif not isinstance(element.tag, str) or element.tag in NEVER_SHOWN:  # a comment, a script
            inside.add(element)
            gone.append(element)
        elif not element.attrib:
            if parent in invisible:
                invisible.add(element)
        elif element is not root:
            names, own = _names(element), declared(element.get("style", ""))
            said = rules.hidden("visibility", names, own)
            if _goes(element, names, own, rules):
                inside.add(element)
                gone.append(element)
                left_out = left_out or bool(str(element.text_content()).strip())
            elif said or (said is None and parent in invisible):
                invisible.add(element)
    for element in gone:
        _remove(element)
    return (bool(invisible) and _remove_invisible(root, invisible)) or left_out


def hides(style: str) -> bool:
    """Whether a style attribute makes an element invisible."""
    own = declared(style)
    return own.gone or any(hidden for hidden, _ in own.hidden.values())


def _names(element: HtmlElement) -> list[str]:
    given = element.attrib
    return [*(f".{each}" for each in given.get("class", "").split()), *([f"#{given['id']}"] if "id" in given else [])]


def _goes(element: HtmlElement, names: list[str], own: Declared, rules: StyleRules) -> bool:
    """Whether it is not shown with all that is in it."""
    return (
        "hidden" in element.attrib
        or MARK in element.attrib
        or own.gone
        or not rules.gone.isdisjoint(names)
        or rules.hidden("display", names, own) is True
    )


def _remove_invisible(root: HtmlElement, invisible: set[HtmlElement]) -> bool:
    """Take out what has no visibility, but not the elements in it that have it; whether that was text."""
    left_out = False
    holding: set[HtmlElement] = set()
    for element in reversed(list(root.iter())):
        parent = element.getparent()
        if element in invisible:
            left_out = left_out or bool((element.text or "").strip())
            element.text = None
        if parent in invisible:
            left_out = left_out or bool((element.tail or "").strip())
            element.tail = None
        if element not in invisible or element in holding:
            holding.add(parent)
        else:
            _remove(element)
    return left_out


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
