"""How long an endpoint asks to be left alone, as its response headers say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

MAX_WAIT = 120.0
"""Seconds; an endpoint that asks for more is not waited for, the run fails and can be resumed. The OpenAI client's."""


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, or None where the headers name no time that can be read.

    Args:
        headers: `retry-after-ms` wins over `Retry-After`, which holds seconds or a date (RFC 9110, 10.2.3).
        now: seconds since 1970.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(milliseconds / 1000, 0.0)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is None and value is not None:
        seconds = _until(value, now)
    return None if seconds is None else max(seconds, 0.0)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if not math.isnan(number) else None


def _until(value: str, now: float) -> float | None:
    try:
        when = parsedate_to_datetime(value)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
