"""How long an answer may be used again, by what HTTP says of it (RFC 9111)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds; an agent that asks for a page wants today's."""
UNTOLD = 600.0
"""Where the server says nothing at all."""
_DIRECTIVE = re.compile(r"([a-z-]+)(?:\s*=\s*\"?([^\",]*)\"?)?")


def freshness(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds an answer stays fresh, from `now`; 0: ask again each time; None: it must not be kept.

    Args:
        headers: of the answer, names in small letters.
        now: seconds since the epoch.
    """
    told = _directives(headers.get("cache-control", ""))
    if "no-store" in told or headers.get("vary", "").strip() == "*":
        return None
    if "no-cache" in told:
        return 0.0
    age = _number(headers.get("age", "")) or 0.0
    most = _number(told.get("max-age", ""))
    if most is not None:
        return _bounded(most - age)
    date = _seconds(headers.get("date", "")) or now
    if "expires" in headers:
        return _bounded((_seconds(headers["expires"]) or 0.0) - date)
    changed = _seconds(headers.get("last-modified", ""))
    return _bounded(max(0.1 * (date - changed), UNTOLD)) if changed is not None else UNTOLD


def conditions(headers: Mapping[str, str]) -> dict[str, str]:
    """The request headers that ask whether an answer that was kept has changed."""
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    return {name: headers[kept] for name, kept in pairs if headers.get(kept)}


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait, in either form of the header."""
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    if seconds is None:
        moment = _seconds(value)
        seconds = moment - now if moment is not None else None
    return max(seconds, 0.0) if seconds is not None else None


def _directives(value: str) -> dict[str, str]:
    return {match[1]: (match[2] or "").strip() for match in _DIRECTIVE.finditer(value.lower())}


def _number(value: str) -> float | None:
    return float(value) if value.isdecimal() and len(value) < 12 else None


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
