"""Two results about the same thing that disagree. Pure, and careful: a suspicion costs a question to a model.

Two subtasks are about the same thing if their descriptions differ in nothing but how to find it out; their results
disagree if they share no number, or no word where neither has a number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from graph.state import Subtask, SubtaskResult
from nodes.answer_match import normalise
from nodes.dependencies import ancestors
from nodes.evidence import number_list
from nodes.outcomes import shorten_line

MOST = 5
LOOKED_AT = 60
"""The latest results; every pair of them is compared."""

RESULT_CHARS = 200
_METHOD = re.compile(
    r"\b(?:using|via|according to|with the help of|by means of|by (?:asking|searching|using))\b[^.;:]*", re.IGNORECASE
)
_HOW_WORDS = (
    "find out look up search for get determine check verify confirm recheck double again compute calculate work count "
    "report give tell state identify retrieve fetch establish is are was were what which who how many much does do did "
    "has have had in on at of and its it s this that second another other independent independently source sources "
    "online web internet wikipedia official website exact exactly precise please"
)
_HOW = frozenset(_HOW_WORDS.split())
_RECHECKS = frozenset({"check", "verify", "confirm", "recheck", "double", "again", "second", "another", "independent"})
_DIRECTION = frozenset({"from", "to", "into", "by", "than", "before", "after", "minus", "over", "between", "until"})


def contradictions(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[tuple[int, int]]:
    """The pairs of subtasks whose results seem to contradict each other, at most MOST.

    A subtask that builds on another gives something else than that one, unless it checks it.
    """
    given = [each for each in results if each["status"] in ("done", "partial")][-LOOKED_AT:]
    found = ((one["id"], two["id"]) for one, two in _pairs(given) if _apart(one, two, plan))
    return [pair for pair, _ in zip(found, range(MOST), strict=False)]


def describe_pair(pair: tuple[int, int], results: Sequence[SubtaskResult]) -> str:
    """A contradiction in one line."""
    texts = {each["id"]: shorten_line(each["result"], RESULT_CHARS) for each in results}
    return " but ".join(f'task {id_} gave "{texts[id_]}"' for id_ in pair)


def same_thing(one: str, two: str) -> bool:
    """Whether two descriptions are about the same thing, however it is to be found out."""
    left, right = _matter(one), _matter(two)
    if not left or number_list(one) != number_list(two):
        return False
    if _DIRECTION & {*left, *right}:
        return left == right
    return Counter(left) == Counter(right)


def disagree(one: str, two: str) -> bool:
    """Whether two results cannot both be true of one thing, as far as numbers and words tell."""
    left, right = set(number_list(one)), set(number_list(two))
    if left or right:
        return bool(left and right) and not left & right
    words, others = set(normalise(one).split()), set(normalise(two).split())
    return bool(words and others) and not words & others


def _pairs(given: Sequence[SubtaskResult]) -> Iterator[tuple[SubtaskResult, SubtaskResult]]:
    matters = {each["id"]: frozenset(_matter(each["description"])) for each in given}
    for one, two in combinations(given, 2):
        if matters[one["id"]] == matters[two["id"]] and same_thing(one["description"], two["description"]):
            yield one, two


def _apart(one: SubtaskResult, two: SubtaskResult, plan: Sequence[Subtask]) -> bool:
    if not disagree(one["result"], two["result"]):
        return False
    first, then = normalise(one["description"]), normalise(two["description"])
    builds = one["id"] in ancestors(two["id"], plan) or two["id"] in ancestors(one["id"], plan)
    return not builds or first == then or bool(_RECHECKS & set(then.split()))


def _matter(description: str) -> list[str]:
    """The words that say what a subtask is about, in their order."""
    return [word for word in normalise(_METHOD.sub(" ", description)).split() if word not in _HOW]
