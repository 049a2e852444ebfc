"""What the style sheets of a page say of the classes and ids of its elements: as much as tells hidden from shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Rank: TypeAlias = tuple[bool, bool, int]
"""Of a declaration: whether it is important, whether an id bears it, and its place. The highest one counts."""
MAX_STYLE = 200_000
_VALUES = {
    "display": re.compile(
        r"(none)|(?:-webkit-|-ms-|-moz-)?(?:inline-?)?(?:block|box|flex|flexbox|grid|table)|inline|contents|list-item"
        r"|flow-root|table-(?:row|cell|caption|column|row-group|header-group|footer-group|column-group)"
        r"|ruby|initial|inherit|unset|revert|revert-layer"
    ),
    "visibility": re.compile(r"(hidden|collapse)|visible|initial"),
}
"""Values that a browser takes; the group is there where they hide."""
_GONE = re.compile(
    r"(?<![\w-])font-size:0(?![.\d])|(?:left|top|right|bottom|text-indent|margin-left):-\d{4,}"
    r"|clip:rect\((?:0|1)(?:px)?[, ]+(?:0|1)|clip-path:inset\((?:50|100)%"
)
_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SIMPLE = re.compile(r"(?:[a-z][a-z0-9]*)?([.#][\w-]+)", re.IGNORECASE)
_NAME = re.compile(r"[.#][\w-]+")
_ARGUMENTS = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a style attribute or the body of a rule declares.

    Attributes:
        hidden: of display and visibility, where they are there, whether they hide, and whether that is important.
        gone: it is moved off the page, clipped away or has letters of no size.
    """

    hidden: dict[str, tuple[bool, bool]]
    gone: bool


def declared(style: str) -> Declared:
    """The declarations of a style attribute, or of the body of a rule. An opacity of 0 hides nothing: scripts fade in.

    Where scripts ran, the browser tells which elements are transparent.
    """
    compact = _SPACE.sub("", _COMMENT.sub("", style).lower())
    hidden: dict[str, tuple[bool, bool]] = {}
    for declaration in compact.split(";"):
        name, _, value = declaration.partition(":")
        values = _VALUES.get(name)
        match = values.fullmatch(value.removesuffix("!important")) if values else None
        important = value.endswith("!important")
        if match and (important or not hidden.get(name, (False, False))[1]):
            hidden[name] = match[1] is not None, important
    return Declared(hidden, _GONE.search(compact) is not None)


@dataclass(slots=True)
class StyleRules:
    """What rules say of names, that is of `.class` and `#id`.

    Rules about one name and nothing else count as they do in a browser. Others, and those for some screens or states,
    hide nothing, but a name that one of them shows is not hidden by a rule: it is not known which of them applies.
    """

    gone: set[str] = field(default_factory=set)
    _said: dict[tuple[str, str], tuple[Rank, bool]] = field(default_factory=dict)
    _freed: dict[tuple[str, str], bool] = field(default_factory=dict)
    """Property and name, and whether what shows it is important."""

    @classmethod
    def of(cls, css: str) -> StyleRules:
        """Of the text of style sheets, as far as MAX_STYLE."""
        rules = cls()
        for place, (selectors, body, conditional) in enumerate(_rules(_COMMENT.sub(" ", css[:MAX_STYLE]))):
            found = declared(body)
            if found.hidden or found.gone:
                for selector in selectors.split(","):
                    rules._add(selector.strip(), found, conditional, place)
        return rules

    def hidden(self, name: str, names: Iterable[str], own: Declared) -> bool | None:
        """Whether a property hides an element; None where nothing is said of it.

        Args:
            name: display or visibility.
            names: its classes and its id.
            own: its style attribute.
        """
        said = [self._of_name(name, each) for each in names if (name, each) in self._said]
        rank, hidden = max(said, default=((False, False, 0), None))
        inline = own.hidden.get(name)
        return inline[0] if inline and (inline[1] or not rank[0]) else hidden

    def _of_name(self, name: str, bearer: str) -> tuple[Rank, bool]:
        rank, hidden = self._said[name, bearer]
        freed = self._freed.get((name, bearer))
        return rank, hidden and (freed is None or (rank[0] and not freed))

    def _add(self, selector: str, found: Declared, conditional: bool, place: int) -> None:
        simple = _SIMPLE.fullmatch(selector)
        if simple and found.gone and not conditional:
            self.gone.add(simple[1])
        bearers = [simple[1]] if simple else _subjects(selector)
        for name, (hidden, important) in found.hidden.items():
            for bearer in bearers:
                key, rank = (name, bearer), (important, bearer[0] == "#", place)
                if simple and not (conditional and hidden) and (key not in self._said or rank > self._said[key][0]):
                    self._said[key] = rank, hidden
                if not hidden and (conditional or not simple):
                    self._freed[key] = self._freed.get(key, False) or important


def _subjects(selector: str) -> list[str]:
    """The names that an element must bear for a rule to be about it, and not about one around or before it."""
    parts = re.split(r"[\s>+~]+", _ARGUMENTS.sub("", selector))
    return _NAME.findall(parts[-1])


def _rules(css: str) -> Iterator[tuple[str, str, bool]]:
    """Selectors and body of each rule, and whether it stands in another one, as in `@media`. In linear time."""
    opened: list[str] = []
    pieces = re.split(r"([{}])", css)
    for before, brace in zip(pieces[::2], pieces[1::2], strict=False):
        if brace == "{":
            opened.append(before.rpartition(";")[2].strip())
        elif opened:
            selectors = opened.pop()
            if not selectors.startswith("@"):
                yield selectors, before, bool(opened)
