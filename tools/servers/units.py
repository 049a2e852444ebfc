"""Conversions of units with Pint, temperatures and compound units included."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

from tools.servers.extras import need
from tools.servers.numbers import Number, shown

MAX_LENGTH = 100
CURRENCIES = re.compile(
    r"\b(usd|eur|gbp|jpy|chf|cny|inr|aud|cad|dollars?|euros?|pounds? sterling|yen|rupees?|bitcoins?|btc)\b|[$€£¥₹]",
    re.IGNORECASE,
)
_UNIT = re.compile(r"[\w°µμΩ%'\"/*^().·²³\s-]+")
_SAID = (
    (re.compile(r"\s+per\s+", re.I), "/"), (re.compile(r"\bsquare\s+(\w+)", re.I), r"\1**2"),
    (re.compile(r"\bcubic\s+(\w+)", re.I), r"\1**3"), (re.compile(r"²"), "**2"),
    (re.compile(r"\b([kcm]?m|ft|in|yd|mi)([23])\b"), r"\1**\2"), (re.compile(r"³"), "**3"),
    (re.compile(r"·"), "*"), (re.compile(r"^°?\s*(c|celsius|centigrade)$|^degrees?\s+(c|celsius)$", re.I), "degC"),
    (re.compile(r"^°?\s*(f|fahrenheit)$|^degrees?\s+(f|fahrenheit)$", re.I), "degF"), (re.compile(r"^°$"), "degree"),
    (re.compile(r"^mph$", re.I), "mile/hour"), (re.compile(r"^km/?h$|^kph$", re.I), "km/hour"),
    (re.compile(r"^lbs$", re.I), "lb"), (re.compile(r"^sq\.?\s*(\w+)$", re.I), r"\1**2"), (re.compile(r"\^"), "**"),
)  # fmt: skip


def converted(value: Number, from_unit: str, to_unit: str) -> str:
    """A value in another unit, with the unit, as a person writes it.

    Raises:
        ValueError: a unit is not known, is money, or the two measure different things.
        ConfigurationError: Pint is not installed.
    """
    pint = need("pint", "math")
    for text in (from_unit, to_unit):
        if CURRENCIES.search(text):
            raise ValueError("money is not converted: rates change every day; search for the rate")
        if not text.strip() or len(text) > MAX_LENGTH or not _UNIT.fullmatch(text):
            raise ValueError(f"{text[:50]!r} is not a unit; write it as km/hour, m**2 or degC")
        if any(int(number) > 9 for number in re.findall(r"\d+", text)):
            raise ValueError(f"{text[:50]!r} is not a unit; give the number as value")
    registry = _registry()
    try:
        source, target = registry.parse_units(_written(from_unit)), registry.parse_units(_written(to_unit))
        result = registry.Quantity(value, source).to(target)
    except pint.UndefinedUnitError as error:
        raise ValueError(f"the unit {str(error.args[0])[:50]!r} is not known") from None
    except pint.DimensionalityError:
        raise ValueError(f"{from_unit.strip()} and {to_unit.strip()} do not measure the same thing") from None
    except pint.OffsetUnitCalculusError:
        raise ValueError(
            "a temperature stands alone; differences of temperature are delta_degC and delta_degF"
        ) from None
    except (
        pint.PintError,
        ArithmeticError,
        AssertionError,
        SyntaxError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ):
        raise ValueError(f"cannot convert from {from_unit[:50]!r} to {to_unit[:50]!r}") from None
    return f"{shown(_rounded(result.magnitude))} {to_unit.strip()}"


def _written(unit: str) -> str:
    text = unit.strip()
    for pattern, replacement in _SAID:
        text = pattern.sub(replacement, text)
    return text


@cache
def _registry() -> Any:
    return need("pint", "math").UnitRegistry(non_int_type=Decimal, autoconvert_offset_to_baseunit=False)


def _rounded(value: Any) -> Decimal:
    """To 15 significant digits, for units whose relation is not exact."""
    number = Decimal(value)
    return Decimal(f"{number:.15g}")
