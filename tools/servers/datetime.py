"""The MCP server `datetime`: everyday calendar and clock. Run as `python -m tools.servers.datetime`."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from tools.servers.dates import to_date, to_time, to_timezone
from tools.servers.numbers import Number
from tools.servers.serving import serve

MINUTES_A_DAY = 24 * 60
OUT_OF_RANGE = "that is outside the years 1 to 9999"


def days_between(start: str, end: str) -> str:
    """Count the days between two dates."""
    return str(abs((to_date(end) - to_date(start)).days))


def add_days(date: str, days: int) -> str:
    """The date so many days after a date; negative days go back."""
    return _moved(to_date(date), days).isoformat()


def add_months(date: str, months: int) -> str:
    """The date so many months after a date; negative months go back."""
    start = to_date(date)
    count = start.year * 12 + start.month - 1 + months
    return _in_month(count // 12, count % 12 + 1, start.day).isoformat()


def weekday(date: str) -> str:
    """The day of the week of a date."""
    return f"{to_date(date):%A}"


def minutes_between(start: str, end: str) -> str:
    """Count the minutes from one time to a later one, such as 09:15 to 11:00."""
    (first, first_dated), (second, second_dated) = to_time(start), to_time(end)
    if first_dated != second_dated:
        raise ValueError("write both times with a date or both without")
    minutes = (second - first).total_seconds() / 60
    if not first_dated:
        minutes %= MINUTES_A_DAY
    return f"{abs(minutes):.10g}"


def add_minutes(time: str, minutes: Number) -> str:
    """The time so many minutes after a time, such as 14:30; negative minutes go back."""
    moment, dated = to_time(time)
    try:
        later = moment + timedelta(minutes=float(minutes))
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None
    return f"{later:%Y-%m-%d %H:%M}" if dated else f"{later:%H:%M}"


def now(timezone: str = "UTC") -> str:
    """The date and time now, in a time zone such as Europe/Berlin."""
    return f"{datetime.now(to_timezone(timezone)):%Y-%m-%d %H:%M:%S %A, UTC%z}"


def convert_timezone(time: str, from_timezone: str, to_timezone: str) -> str:
    """A time such as 2024-03-05 14:30 of one time zone, told in another."""
    moment, dated = to_time(time)
    source, target = _zone(from_timezone), _zone(to_timezone)
    if not dated:
        today = datetime.now(source).date()
        moment = datetime.combine(today, moment.time())
    try:
        told, later = (_told(moment.replace(tzinfo=source, fold=fold), target) for fold in (0, 1))
        if _told(_told(moment.replace(tzinfo=source), target), source).replace(tzinfo=None) != moment:
            raise ValueError(f"{time.strip()} does not exist in {source}: clocks are put forward over it that day")
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None
    first, second = _written(told, moment, dated), _written(later, moment, dated)
    if told == later:
        return first
    return f"{first}, or {second} ({time.strip()} comes twice in {source}: clocks are put back that day)"


_zone = to_timezone  # the tool's own argument has that name


def _told(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(UTC).astimezone(zone)


def _written(told: datetime, asked: datetime, dated: bool) -> str:
    if dated:
        return f"{told:%Y-%m-%d %H:%M}"
    days = (told.date() - asked.date()).days
    return f"{told:%H:%M}" + {1: " the next day", -1: " the day before", 0: ""}[days]


def _moved(start: date, days: int) -> date:
    try:
        return start + timedelta(days=days)
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None


def _in_month(year: int, month: int, day: int) -> date:
    """That day of that month, or the month's last where it is shorter."""
    if not 1 <= year <= 9999:
        raise ValueError(OUT_OF_RANGE)
    for last in range(day, 27, -1):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    return date(year, month, day)


TOOLS = (days_between, add_days, add_months, weekday, minutes_between, add_minutes, now, convert_timezone)

if __name__ == "__main__":
    serve("datetime", {function.__name__: function for function in TOOLS})
