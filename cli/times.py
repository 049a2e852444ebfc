"""How a time is shown."""

from __future__ import annotations

from datetime import UTC, datetime

NO_DATE = "no date"
"""For a number that an import brought along and that no calendar has."""


def when(seconds: float) -> str:
    """A time in the local zone, to the minute; nothing for 0, which stands for an unknown one."""
    if not seconds:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return NO_DATE
