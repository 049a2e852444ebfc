"""Values of cells as text, for a model and for a database."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from tools.tables.book import Scalar

EXACT = 2**53
"""Up to here a spreadsheet's numbers are whole without a gap; beyond, and behind the point, 15 digits count."""


def as_text(value: Scalar) -> str:
    """A value in one line: dates as ISO 8601 writes them, durations as 27:05:00, TRUE and FALSE, numbers in full."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= EXACT else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ").removesuffix(" 00:00:00")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    return str(value)


def _duration(value: timedelta) -> str:
    seconds = round(abs(value.total_seconds()))
    sign = "-" if value < timedelta(0) else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def one_line(text: str, limit: int) -> str:
    """The text without line ends, cut at `limit` characters."""
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"
