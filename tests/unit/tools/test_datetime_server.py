"""Dates, clocks and time zones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tools.servers import datetime as tools
from tools.servers.dates import to_date, to_time, to_timezone


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05", "2024/03/05", "20240305", "05.03.2024", "March 5, 2024", "5 March 2024", "Mar 5 2024",
        "5th March 2024", "March 5th, 2024", "Tuesday, March 5, 2024", "2024-03-05T14:30:00",
        " 2024-03-05 14:30 ",
    ],
)  # fmt: skip
def test_dates_as_people_write_them(text: str) -> None:
    assert to_date(text) == date(2024, 3, 5)


@pytest.mark.parametrize("text", ["03/04/2024", "2024-02-30", "tomorrow", "", "2024", "March", "5", "99999-01-01"])
def test_what_is_no_date_or_could_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date; write it as 2024-03-05"):
        to_date(text)


@pytest.mark.parametrize("text", ["14:30", "14:30:00", "2:30 PM", "2:30pm", "2:30 p.m."])
def test_times_as_people_write_them(text: str) -> None:
    assert to_time(text) == (datetime(1900, 1, 1, 14, 30), False)


def test_times_with_a_date() -> None:
    assert to_time("2024-03-05 14:30") == (datetime(2024, 3, 5, 14, 30), True)
    with pytest.raises(ValueError, match="without its offset"):
        to_time("2024-03-05T14:30+02:00")
    with pytest.raises(ValueError, match="is not a time"):
        to_time("25:00")


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("UTC", "UTC"),
        ("gmt", "UTC"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
    ],
)
def test_time_zones_by_name_or_city(name: str, zone: str) -> None:
    assert str(to_timezone(name)) == zone


@pytest.mark.parametrize("name", ["Atlantis", "/etc/passwd", "../../etc/passwd", "a\x00b", "x" * 5000])
def test_unknown_time_zones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_timezone(name)


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (tools.days_between, ("2024-02-10", "2024-03-05"), "24"),
        (tools.days_between, ("2024-03-05", "2024-02-10"), "24"),
        (tools.days_between, ("2024-01-01", "2024-01-01"), "0"),
        (tools.add_days, ("2024-02-28", 2), "2024-03-01"),
        (tools.add_days, ("2024-01-01", -1), "2023-12-31"),
        (tools.add_months, ("2024-01-31", 1), "2024-02-29"),
        (tools.add_months, ("2023-01-31", 1), "2023-02-28"),
        (tools.add_months, ("2024-01-15", -1), "2023-12-15"),
        (tools.add_months, ("2024-01-31", 12), "2025-01-31"),
        (tools.weekday, ("2024-03-05",), "Tuesday"),
        (tools.minutes_between, ("09:15", "11:00"), "105"),
        (tools.minutes_between, ("23:30", "00:15"), "45"),
        (tools.minutes_between, ("2024-03-05 23:00", "2024-03-06 01:00"), "120"),
        (tools.minutes_between, ("09:00:30", "09:01:00"), "0.5"),
        (tools.add_minutes, ("14:30", Decimal(45)), "15:15"),
        (tools.add_minutes, ("23:50", Decimal(25)), "00:15"),
        (tools.add_minutes, ("00:10", Decimal(-20)), "23:50"),
        (tools.add_minutes, ("2024-12-31 23:50", Decimal(25)), "2025-01-01 00:15"),
        (tools.convert_timezone, ("2024-07-01 14:30", "Europe/Berlin", "Asia/Tokyo"), "2024-07-01 21:30"),
        (tools.convert_timezone, ("23:30", "UTC", "Asia/Tokyo"), "08:30 the next day"),
        (tools.convert_timezone, ("03:00", "Asia/Tokyo", "UTC"), "18:00 the day before"),
        (tools.convert_timezone, ("12:00", "UTC", "UTC"), "12:00"),
        (
            tools.convert_timezone,
            ("2024-10-27 02:30", "Berlin", "UTC"),
            "2024-10-27 00:30, or 2024-10-27 01:30 "
            "(2024-10-27 02:30 comes twice in Europe/Berlin: clocks are put back that day)",
        ),
        (tools.convert_timezone, ("2024-10-27 00:30", "UTC", "Berlin"), "2024-10-27 02:30"),
        (tools.convert_timezone, ("2024-03-31 03:00", "Berlin", "UTC"), "2024-03-31 01:00"),
    ],
)
def test_results(function: Callable[..., str], arguments: tuple[Any, ...], result: str) -> None:
    assert function(*arguments) == result


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (tools.add_days, ("2024-01-01", 10**9), "outside the years"),
        (tools.add_days, ("2024-01-01", 10**30), "outside the years"),
        (tools.add_months, ("2024-01-01", 10**9), "outside the years"),
        (tools.add_minutes, ("2024-01-01 10:00", Decimal("1e300")), "outside the years"),
        (tools.add_minutes, ("9999-12-31 10:00", Decimal(10**6)), "outside the years"),
        (tools.convert_timezone, ("0001-01-01 00:00", "Asia/Tokyo", "UTC"), "outside the years"),
        (
            tools.convert_timezone,
            ("2024-03-31 02:30", "Berlin", "UTC"),
            "2024-03-31 02:30 does not exist in Europe/Berlin",
        ),
        (tools.minutes_between, ("10:00", "2024-01-01 11:00"), "both times with a date"),
    ],
)
def test_errors(function: Callable[..., str], arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
