"""Which parts of a document are shown: by numbers, by a query, or from the beginning; pure but for making the parts."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from tools.documents.document import Document, Source, blocks, split

LIMIT = 20_000
"""Characters of parts that one answer holds."""
HEAD_CHARS = 40
"""What stands above a part, counted with it."""
PASSAGE_CHARS = 800
RECORD_CHARS = 3_000
PASSAGES_LIMIT = 8_000
MAX_PASSAGES = 2000
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"\w+", re.UNICODE)
_RANGE = re.compile(r"(\d{1,6})?\s*(-)?\s*(\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of a part. cut: characters of it that were left out."""

    number: int
    label: str
    text: str
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown of a document.

    Attributes:
        searched: how many parts a query was looked for in; 0 without a query.
        next: the first part wanted that found no room, or 0.
    """

    shown: list[Shown]
    searched: int = 0
    next: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def numbers(pages: str, total: int, unit: str) -> list[int]:
    """The part numbers that `3-5`, `2,7` or `8-` name, each once, in the order they are named.

    Raises:
        ValueError: it is no such list, or names nothing that is there.
    """
    found: dict[int, None] = {}
    for piece in pages.split(","):
        match = _RANGE.fullmatch(piece.strip())
        if match is None or not (match[1] or match[3]):
            raise ValueError(f"pages takes numbers and ranges such as 3-5 or 2,7, not {pages[:40]!r}")
        first = int(match[1] or 1)
        last = int(match[3] or (total if match[2] else first))
        found.update(dict.fromkeys(range(max(first, 1), min(last, total) + 1)))
    if not found:
        raise ValueError(f"there is no {unit} {pages[:40]}: it has {total} {unit}{'s' if total != 1 else ''}")
    return list(found)


def choose(document: Document, source: Source, pages: str, query: str, limit: int = LIMIT) -> Choice:
    """The parts or passages asked for, as far as room and time allow.

    Raises:
        ValueError: as `numbers`.
    """
    wanted = numbers(pages, document.total, document.unit) if pages.strip() else list(range(1, document.total + 1))
    if query.strip():
        return _by_query(document, source, wanted, query)
    shown: list[Shown] = []
    left = limit
    for index, number in enumerate(wanted):
        if shown and (left <= 0 or source.late()):
            return Choice(shown, next=number)
        part = document.part(number)
        if shown and len(part.text) > left:
            return Choice(shown, next=number)
        shown.append(Shown(number, part.label, part.text[:left], max(0, len(part.text) - left)))
        left -= len(part.text) + HEAD_CHARS
        source.progress(index + 1, len(wanted), f"{document.unit} {number}")
    return Choice(shown)


def _by_query(document: Document, source: Source, wanted: list[int], query: str) -> Choice:
    passages: list[Shown] = []
    searched = 0
    for number in wanted:
        if searched and (source.late() or len(passages) >= 50 * MAX_PASSAGES):
            break
        part = document.part(number)
        texts = _records(part.text) if document.records else split(part.text, PASSAGE_CHARS)
        passages += [Shown(number, part.label, text) for text in texts]
        searched += 1
        source.progress(searched, len(wanted), f"{document.unit} {number}")
    best = list(_within(best_passages(passages, query), PASSAGES_LIMIT))
    return Choice(best, searched, next=wanted[searched] if searched < len(wanted) else 0)


def _records(text: str) -> Iterator[str]:
    """Whole records, several short ones together; cut only where one is longer than RECORD_CHARS."""
    gathered = ""
    for block in blocks(text):
        if gathered and len(gathered) + len(block) > PASSAGE_CHARS:
            yield gathered
            gathered = ""
        if len(block) > RECORD_CHARS:
            yield from split(block, PASSAGE_CHARS)
        else:
            gathered += f"\n{block}" if gathered else block
    if gathered:
        yield gathered


def best_passages(passages: list[Shown], query: str) -> list[Shown]:
    """Those with words of the query, best first: Okapi BM25 with k1 = 1.2, b = 0.5; labels count as text."""
    terms = set(_words(query))
    counts = [Counter(_words(f"{each.label} {each.text}")) for each in passages]
    lengths = [sum(count.values()) for count in counts]
    mean = sum(lengths) / max(len(lengths), 1) or 1.0
    spread = {term: sum(term in count for count in counts) for term in terms}
    weight = {term: math.log(1 + (len(counts) - n + 0.5) / (n + 0.5)) for term, n in spread.items()}
    scored = []
    for index, (count, length) in enumerate(zip(counts, lengths, strict=True)):
        norm = 1.2 * (0.5 + 0.5 * length / mean)
        score = sum(weight[term] * count[term] * 2.2 / (count[term] + norm) for term in terms if term in count)
        if score > 0:
            scored.append((-score, index))
    return [passages[index] for _, index in sorted(scored)]


def _within(passages: list[Shown], limit: int) -> Iterator[Shown]:
    for passage in passages:
        limit -= len(passage.text)
        if limit < 0:
            return
        yield passage


def _words(text: str) -> list[str]:
    """Words in small letters, an English plural's or third person's s left off.

    Letters of scripts that put no spaces between words count one by one and in pairs; letters that only look
    different, such as small figures and ligatures, count as the same.
    """
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if _UNSPACED.search(word):
            found += word
            found += map("".join, pairwise(word))
        else:
            found.append(word[:-1] if len(word) > 3 and word.endswith("s") else word)
    return found
