"""The looks of an xlsx file's cells: fills, font colours and number formats, with its theme's colours worked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from tools.tables.archive import Parts, local
from tools.tables.book import PLAIN, Style
from tools.tables.colours import tinted

_THEME_ORDER = ("lt1", "dk1", "lt2", "dk2", *(f"accent{each}" for each in range(1, 7)), "hlink", "folHlink")
_RGB = re.compile(r"(?:[0-9A-Fa-f]{2})?([0-9A-Fa-f]{6})")


def styles(parts: Parts, styles_part: str, theme_part: str) -> list[Style]:
    """The styles that cells name by number."""
    tree = parts.tree(styles_part)
    colours = _Colours(_theme(parts.tree(theme_part)), _indexed(tree))
    formats = {int(each.get("numFmtId", 0)): each.get("formatCode", "") for each in _within(tree, "numFmts")}
    fonts = [colours.of(_child(each, "color")) for each in _within(tree, "fonts")]
    fills = [_fill(each, colours) for each in _within(tree, "fills")]
    return [
        Style(
            fill=_at(fills, each.get("fillId")),
            font=_at(fonts, each.get("fontId")),
            number_format=_format(int(each.get("numFmtId", 0)), formats),
        )
        for each in _within(tree, "cellXfs")
    ] or [PLAIN]


class _Colours:
    def __init__(self, theme: list[str], indexed: list[str]) -> None:
        self._theme = theme
        self._indexed = indexed

    def of(self, element: Element | None) -> str:
        """#RRGGBB, or empty where the colour is automatic."""
        if element is None:
            return ""
        found = ""
        if (match := _RGB.fullmatch(element.get("rgb", ""))) is not None:
            found = match[1]
        elif (index := element.get("theme")) is not None:
            found = _at(self._theme, index)
        elif (index := element.get("indexed")) is not None:
            found = _at(self._indexed, index)
        if not found:
            return ""
        tint = float(element.get("tint", 0))
        return f"#{(tinted(found, tint) if tint else found).upper()}"


def _theme(tree: Element) -> list[str]:
    scheme = next((each for each in tree.iter() if local(each.tag) == "clrScheme"), None)
    found: dict[str, str] = {}
    for each in scheme if scheme is not None else ():
        for colour in each:
            found[local(each.tag)] = colour.get("lastClr") or colour.get("val") or ""
    named = (found.get(name, "") for name in _THEME_ORDER)
    return [colour if _RGB.fullmatch(colour) else "" for colour in named]


def _indexed(tree: Element) -> list[str]:
    from openpyxl.styles.colors import COLOR_INDEX

    own = [each.get("rgb", "")[-6:] for each in tree.iter() if local(each.tag) == "rgbColor"]
    return own or [each[-6:] for each in COLOR_INDEX]


def _fill(element: Element, colours: _Colours) -> str:
    pattern = _child(element, "patternFill")
    if pattern is not None:
        if pattern.get("patternType", "none") == "none":
            return ""
        return colours.of(_child(pattern, "fgColor")) or colours.of(_child(pattern, "bgColor"))
    return next((each for stop in element.iter() if (each := colours.of(stop))), "")


def _format(number: int, own: dict[int, str]) -> str:
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    return own.get(number) or BUILTIN_FORMATS.get(number, "General")


def _within(tree: Element, name: str) -> Iterator[Element]:
    for each in tree:
        if local(each.tag) == name:
            yield from each


def _child(element: Element, name: str) -> Element | None:
    return next((each for each in element if local(each.tag) == name), None)


def _at(values: list[str], index: str | None) -> str:
    place = int(index or 0)
    return values[place] if 0 <= place < len(values) else ""
