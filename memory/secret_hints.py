"""Could a text hold a secret? A quick no for most texts, so that `redact` need not read them.

Each hint begins with fixed characters, for which `re` and `in` search hundreds of times faster than the full patterns
match. Whatever `redact` or `redact_json` would change has a hint; most of what has one holds no secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

_SIGN = r"\\?[\"'`]?[ \t]{0,4}(?:=|:)"
LOWERED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"key(?:[_-]?id)?{_SIGN}",
        rf"token{_SIGN}",
        rf"secret{_SIGN}",
        rf"pass(?:word|wort|wd|phrase|code)(?:{_SIGN}|[ \t]is[ \t])",
        rf"kennwort{_SIGN}",
        rf"pwd{_SIGN}",
        r"pw[ \t]{0,4}[:=]",
        r"authorization",
        r"bearer[ \t]",
        r"://[^\s/:@\"'<>]{0,200}:[^\s/@\"'<>]{1,300}@",
        r"--(?:[a-z]{1,20}[_-])?(?:pass(?:word|wd|phrase|code)|token|secret|api[_-]?key)[ \t]",
        r"curl[\s\S]",
        r"sig(?:nature)?=",
        rf"cookie{_SIGN}",
        r"-----begin",
    )
)
"""Searched in the lower-case text."""

KEYS = tuple(
    re.compile(pattern)
    for pattern in (
        r"sk-[A-Za-z0-9_-]{16}",
        r"sk_[a-z]{4}_",
        r"rk_[a-z]{4}_",
        r"whsec_",
        r"AKIA[A-Z0-9]{16}",
        r"ASIA[A-Z0-9]{16}",
        r"gh[pousr]_[A-Za-z0-9]{20}",
        r"github_pat_",
        r"glpat-",
        r"xox[a-z]-",
        r"xapp-",
        r"AIza",
        r"ya29\.",
        r"e2b_[A-Za-z0-9]{16}",
        r"hf_[A-Za-z0-9]{20}",
        r"gsk_[A-Za-z0-9]{20}",
        r"pplx-",
        r"tvly-",
        r"npm_[A-Za-z0-9]{20}",
        r"SG\.[A-Za-z0-9_-]{10}",
        r"_v1_[a-f0-9]{20}",
        r"r8_[A-Za-z0-9]{20}",
        r":[A-Za-z0-9_-]{35}",
        r"eyJ[A-Za-z0-9_-]{8}",
    )
)
"""Searched in the text as it is: the formats of `memory.secret_shapes`, by what is fixed in them."""

BETWEEN = '":\n'
"""After each text of a JSON value, so that a name at its end reads as one before its value."""
DEEPEST = 100


def may_hold_a_secret(text: str, known: Collection[str] = ()) -> bool:
    """Whether `redact` has to read the text.

    Args:
        text: anything.
        known: secret values in every form they may appear in, see `memory.redaction.known_forms`.
    """
    if any(value in text for value in known):
        return True
    lowered = text.lower()
    return any(hint.search(lowered) for hint in LOWERED) or any(hint.search(text) for hint in KEYS)


def joined(value: Any) -> str:
    """Every text and key in a JSON value, for one search over all of them."""
    return BETWEEN.join([*_texts(value, 0), ""])


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth > DEEPEST:
        yield "secret"  # redact_json drops what is nested deeper
    elif isinstance(value, dict):
        for key, each in value.items():
            yield str(key)
            yield from _texts(each, depth + 1)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, depth + 1)
