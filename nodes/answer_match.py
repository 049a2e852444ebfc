"""Does an answer say the same as a reference? Pure string rules; a judge model is asked where they say no."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

SEPARATOR = "<|answer_split|>"
ARTICLES = frozenset({"a", "an", "the"})
NUMBER = re.compile(r"[-+]?[$€£]?\s*\d[\d,]*(?:\.\d+)?%?")


def alternatives(reference: str | Iterable[str]) -> list[str]:
    """The acceptable answers: a list as it is, a text split at `<|answer_split|>`."""
    texts = reference.split(SEPARATOR) if isinstance(reference, str) else [str(each) for each in reference]
    return [text.strip() for text in texts if text.strip()]


def matches(answer: str, reference: str | Iterable[str]) -> bool:
    """Whether the answer equals one of the alternatives, exactly, as a number, or after normalisation."""
    return any(_same(answer, accepted) for accepted in alternatives(reference))


def normalise(text: str) -> str:
    """NFKC, case folded, without articles and punctuation; SQuAD's normalisation made safe for any script."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = re.sub(r"[^\w\s]", " ", folded).split()
    return " ".join(word for word in words if word not in ARTICLES)


def _same(answer: str, accepted: str) -> bool:
    if answer.strip() == accepted.strip():
        return True
    left, right = _number(answer), _number(accepted)
    if left is not None and right is not None:
        return left == right
    wanted = normalise(accepted)
    return bool(wanted) and normalise(answer) == wanted


def _number(text: str) -> Decimal | None:
    stripped = text.strip().rstrip(".")
    if not NUMBER.fullmatch(stripped):
        return None
    try:
        return Decimal(re.sub(r"[^\d.\-]", "", stripped))
    except InvalidOperation:
        return None
