"""Dates and times as people write them. What could be read in two ways is refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

_DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%B %d %Y", "%d %B %Y", "%b %d %Y", "%d %b %Y")
_TIME_FORMS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p")
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)
_WEEKDAY = re.compile(r"^(mon|tues|wednes|thurs|fri|satur|sun)day\s*,?\s+", re.IGNORECASE)
_SPACES = re.compile(r"[,\s]+")


def to_date(text: str) -> date:
    """A date from 2024-03-05, 5 March 2024, March 5th, 2024, 05.03.2024, 2024-03-05T14:30.

    Raises:
        ValueError: it is none, or could be two (03/04/2024).
    """
    plain = _SPACES.sub(" ", _ORDINAL.sub("", _WEEKDAY.sub("", text.strip()))).strip()
    for form in _DATE_FORMS:
        try:
            return datetime.strptime(plain, form).date()
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(plain).date()
    except ValueError:
        raise ValueError(f"{text[:50]!r} is not a date; write it as 2024-03-05") from None


def to_time(text: str) -> tuple[datetime, bool]:
    """A moment from 14:30, 2:30 PM or 2024-03-05 14:30, and whether a date was given; without one it is 1900-01-01.

    Raises:
        ValueError: it is none.
    """
    plain = " ".join(text.strip().upper().replace(".", "").split())
    for form in _TIME_FORMS:
        try:
            return datetime.strptime(plain, form), False
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(" ".join(text.split()))
    except ValueError:
        raise ValueError(f"{text[:50]!r} is not a time; write it as 14:30 or 2024-03-05 14:30") from None
    if moment.tzinfo is not None:
        raise ValueError(f"{text[:50]!r}: write the time without its offset")
    return moment, True


def to_timezone(name: str) -> tzinfo:
    """A time zone from Europe/Berlin, Berlin, new york, UTC.

    Raises:
        ValueError: there is none of that name.
    """
    plain = "_".join(name.split())
    if plain.upper() in ("UTC", "GMT", "Z", ""):
        return UTC
    try:
        return ZoneInfo(_cities().get(plain.casefold(), plain))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone {name[:50]!r}; write it as Europe/Berlin") from None


@cache
def _cities() -> dict[str, str]:
    """Zones by their full name and by their city, both in small letters."""
    zones = sorted(available_timezones())
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in zones if "/" in zone and not zone.startswith("Etc/")}
    return {**cities, **{zone.casefold(): zone for zone in zones}}
