"""Numbers in and out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tools.servers import math
from tools.servers.numbers import round_half_up, shown, to_number


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (48, "48"),
        (4.35, "4.35"),
        (" 48 ", "48"),
        ("1,200.50", "1200.50"),
        ("$3", "3"),
        ("-0.5", "-0.5"),
        ("1e3", "1000"),
        (Decimal("1.10"), "1.10"),
        (12345678901234567890, "12345678901234567890"),
    ],
)
def test_numbers_are_read_exactly(given: object, number: str) -> None:
    assert to_number(given) == Decimal(number)


@pytest.mark.parametrize("given", ["x", "", "1,2", "1.2.3", "nan", "inf", "1e9999", True, None, [1], "12 apples"])
def test_what_is_no_number_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        to_number(given)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1776.000", "1776"),
        ("52.20", "52.2"),
        ("1E+3", "1000"),
        ("0E-10", "0"),
        ("-0.0", "0"),
        ("1E-7", "0.0000001"),
        ("1E+500", "1E+500"),
        ("1E-60", "1E-60"),
    ],
)
def test_numbers_are_written_the_way_people_do(number: str, text: str) -> None:
    assert shown(Decimal(number)).upper() == text


@pytest.mark.parametrize(
    ("number", "places", "rounded"),
    [("2.5", 0, "3"), ("-2.5", 0, "-3"), ("2.345", 2, "2.35"), ("1250", -2, "1300"), ("1E+2200", 2, "1E+2200")],
)
def test_halves_go_away_from_zero(number: str, places: int, rounded: str) -> None:
    assert round_half_up(Decimal(number), places) == Decimal(rounded)


def test_sums_and_quotients_stay_exact_beyond_28_digits() -> None:
    big = Decimal("12345678901234567890123456789012345678")
    assert math.add(big, Decimal(1)) == "12345678901234567890123456789012345679"
    assert math.sub(Decimal("0.3"), Decimal("0.1")) == "0.2"
    assert math.multiply(big, big) == str(int(big) * int(big))
    assert math.divide(Decimal(2), Decimal(3)) == "about 0.6666666667"
    assert math.percent(Decimal("7.5"), Decimal("19.99")) == "1.49925"
