"""Finds the passages of a text that answer a query: BM25 over word stems, cut to a budget, word for word.

BM25: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf of Lucene,
which is never negative.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from tools.servers.extras import need

K1, B = 1.2, 0.75
LONGEST = 700
"""Characters of one passage; longer paragraphs are taken apart between sentences, tables and code between lines."""
SHORTEST = 80
HEADING_WEIGHT = 0.5
NEAR = 0.25
"""Passages below this share of the best one's score answer something else."""
PHRASE = 0.5
"""What a passage gains that holds neighbouring words of the query side by side, as a share of its score."""
_WORD = re.compile(r"\w+", re.UNICODE)
_LINK = re.compile(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_HEADING = re.compile(r"(#{1,6}) +(.+)")
_SENTENCE = re.compile(r"(?<=[.!?。！？])[\"')\]]*\s+")
_SAYS_NOTHING = (
    "a an and are as at be been but by can did do does for from had has have how i if in into is it its me my of on or "
    "so than that the their them then there these they this to was we were what when where which who whom whose why "
    "will with would you your"
)
_STOP = frozenset(_SAYS_NOTHING.split())


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text, word for word: `text[start:end]`, and the headings it is under, outermost first."""

    start: int
    end: int
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage of one of several texts, and how well it fits; scores are comparable within one query."""

    source: int
    passage: Passage
    score: float


def passages(text: str) -> list[Passage]:
    """The paragraphs, tables, lists and code of a markdown text, in parts of at most about LONGEST characters."""
    found: list[Passage] = []
    headings: list[tuple[int, str]] = []
    for start, end in _blocks(text):
        match = _HEADING.match(text, start, end)
        if match and "\n" not in text[start:end]:
            level = len(match[1])
            headings = [each for each in headings if each[0] < level] + [(level, match[2].strip())]
            continue
        under = tuple(title for _, title in headings)
        found += [Passage(*part, under) for part in _parts(text, start, end)]
    return found


def ranked(texts: Sequence[str], query: str) -> list[Scored]:
    """The passages that share words with the query, best first; ties in the order of the texts."""
    asked = list(dict.fromkeys(words(query)))
    every = [(source, passage) for source, text in enumerate(texts) for passage in passages(text)]
    counted = [_counts(texts[source], passage) for source, passage in every]
    if not asked or not every:
        return []
    average = sum(length for _, length in counted) / len(counted) or 1.0
    weights = {word: _idf(sum(word in counts for counts, _ in counted), len(counted)) for word in asked}
    scored = []
    for (source, passage), (counts, length) in zip(every, counted, strict=True):
        score = sum(weights[word] * _saturated(counts.get(word, 0.0), length / average) for word in asked)
        if score > 0:
            near = _neighbours(asked, words(texts[source][passage.start : passage.end]))
            scored.append(Scored(source, passage, score * (1 + PHRASE * near)))
    scored.sort(key=lambda each: -each.score)
    return [each for each in scored if each.score >= NEAR * scored[0].score]


def chosen(texts: Sequence[str], best: Sequence[Scored], characters: int) -> list[Scored]:
    """As many of the best as the budget takes, in reading order. The first is cut where it is too long by itself."""
    taken: list[Scored] = []
    left = characters
    for each in best:
        size = each.passage.end - each.passage.start
        if size <= left:
            taken.append(each)
            left -= size
        elif not taken:
            passage = Passage(
                each.passage.start, _cut(texts[each.source], each.passage.start, left), each.passage.headings
            )
            return [Scored(each.source, passage, each.score)]
    return sorted(taken, key=lambda each: (each.source, each.passage.start))


def end_of_part(text: str, start: int, length: int) -> int:
    """Where a part of at most `length` characters ends: behind a paragraph, line, sentence or word, or the text."""
    if len(text) - start <= length:
        return len(text)
    paragraph = text.rfind("\n\n", start + length * 3 // 4, start + length)
    return paragraph + 2 if paragraph >= 0 else _cut(text, start, length)


def words(text: str) -> list[str]:
    """The stems of a text's words, without those that say nothing; of a link only what is shown."""
    shown = _LINK.sub("]", text).lower().replace("_", " ")
    return [stem(word) for word in _WORD.findall(shown) if word not in _STOP]


def stem(word: str) -> str:
    """An English word's stem (Porter2); others come back nearly as they are."""
    return _stem(word[:50])


@cache
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    return need("snowballstemmer", "crawl").stemmer("english")


def _counts(text: str, passage: Passage) -> tuple[dict[str, float], int]:
    own = words(text[passage.start : passage.end])
    counts: dict[str, float] = dict(Counter(own))
    for word in set(words(" ".join(passage.headings))):
        counts[word] = counts.get(word, 0.0) + HEADING_WEIGHT
    return counts, len(own)


def _idf(holding: int, total: int) -> float:
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))


def _saturated(count: float, relative_length: float) -> float:
    return count * (K1 + 1) / (count + K1 * (1 - B + B * relative_length))


def _neighbours(asked: Sequence[str], own: Sequence[str]) -> float:
    """The share of the query's neighbouring pairs that stand side by side in the passage."""
    pairs = set(pairwise(asked))
    return len(pairs & set(pairwise(own))) / len(pairs) if pairs else 0.0


def _blocks(text: str) -> list[tuple[int, int]]:
    """Where the blocks between empty lines are; code between fences is one block, headings are blocks of their own."""
    found: list[tuple[int, int]] = []
    start, position, fenced = -1, 0, False
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith("```")
        alone = not fenced and (not line.strip() or _HEADING.match(line) is not None)
        if alone and start >= 0:
            found.append((start, position))
            start = -1
        if alone and line.strip():
            found.append((position, position + len(line)))
        elif not alone and start < 0:
            start = position
        fenced ^= fence
        position += len(line)
    if start >= 0:
        found.append((start, position))
    return [_trimmed(text, *block) for block in found]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while end > start and text[end - 1].isspace():
        end -= 1
    while start < end and text[start] == "\n":
        start += 1
    return start, end


def _parts(text: str, start: int, end: int) -> list[tuple[int, int]]:
    parts = []
    while end - start > LONGEST:
        cut = _cut(text, start, LONGEST)
        parts.append(_trimmed(text, start, cut))
        start = cut
    return [*parts, _trimmed(text, start, end)]


def _cut(text: str, start: int, length: int) -> int:
    """Where a part that begins at `start` ends: after a line, a sentence, a word, or where it must."""
    window = text[start : start + length]
    line = window.rfind("\n")
    sentences = [match.end() for match in _SENTENCE.finditer(window)]
    space = window.rfind(" ")
    for place in (line + 1, sentences[-1] if sentences else 0, space + 1):
        if place >= min(SHORTEST, length // 2):
            return start + place
    return start + length
