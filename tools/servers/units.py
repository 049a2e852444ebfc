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
    (re.compile(r"^(mpg|miles?/(us )?gallons?)$", re.I), "mile/gallon"),
    (re.compile(r"^(imperial|uk) mpg$|^mpg \(?(imperial|uk)\)?$", re.I), "mile/imperial_gallon"),
    (re.compile(r"\bfl(uid|\.)?\s*(oz\b\.?|ounces?\b)", re.I), "fluid_ounce"),
    (re.compile(r"\b(?:imperial|uk)\s+(gallon|quart|pint|cup|fluid_ounce)s?\b", re.I), r"imperial_\1"),
    (re.compile(r"\bus\s+(gallon|quart|pint|cup|fluid_ounce)s?\b", re.I), r"\1"),
    (re.compile(r"^lbs$", re.I), "lb"), (re.compile(r"^sq\.?\s*(\w+)$", re.I), r"\1**2"), (re.compile(r"\^"), "**"),
)  # fmt: skip
_PER_100_KM = re.compile(r"^l(it(er|re)s?)?\s*(/|per)\s*100\s*k(m|ilomet(er|re)s?)$", re.I)
_TWO_WORDS = re.compile(r"\b([A-Za-z]+)(?:\s+|-)(?=([A-Za-z]+)\b)")
SCALES = frozenset({"degree_Celsius", "degree_Fahrenheit", "degree_Reaumur"})
"""Temperatures that are not counted from absolute zero."""
CONSUMPTION = "liter_per_100_km"
_INTERNATIONAL = ("acre = 43560 * foot ** 2", "acre_foot = acre * foot = _ = acre_feet", f"{CONSUMPTION} = 0.01 l / km")
"""Pint takes the acre of the US survey foot, which was abolished in 2022."""


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
        if any(int(number) > 9 for number in re.findall(r"\d+", _written(text).replace(CONSUMPTION, ""))):
            raise ValueError(f"{text[:50]!r} is not a unit; give the number as value")
    registry = _registry()
    try:
        source, target = registry.parse_units(_written(from_unit)), registry.parse_units(_written(to_unit))
        quantity = registry.Quantity(value, source)
        result = _turned(quantity, target).to(target)
        impossible = {str(source), str(target)} & SCALES and quantity.to("kelvin").magnitude < 0
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
    if impossible:
        raise ValueError(f"{value} {from_unit.strip()} is below absolute zero")
    return f"{shown(_rounded(result.magnitude))} {to_unit.strip()}"


def _written(unit: str) -> str:
    text = _PER_100_KM.sub(CONSUMPTION, unit.strip())
    for pattern, replacement in _SAID:
        text = pattern.sub(replacement, text)
    return _TWO_WORDS.sub(lambda match: f"{match[1]}{'_' if _is_unit(f'{match[1]}_{match[2]}') else ' '}", text)


def _is_unit(name: str) -> bool:
    """Whether two words are one unit, such as nautical miles, and no product of two."""
    pint = need("pint", "math")
    try:
        _registry().parse_units(name)
    except pint.UndefinedUnitError:
        return False
    return True


def _turned(quantity: Any, target: Any) -> Any:
    """How far a car goes with a litre as how much it takes for a way, and back; all else as it is."""
    fuel = CONSUMPTION in f"{quantity.units} {target}"
    return 1 / quantity if fuel and (1 / quantity).dimensionality == target.dimensionality else quantity


@cache
def _registry() -> Any:
    registry = need("pint", "math").UnitRegistry(
        non_int_type=Decimal, autoconvert_offset_to_baseunit=False, on_redefinition="ignore"
    )
    for definition in _INTERNATIONAL:
        registry.define(definition)
    return registry


def _rounded(value: Any) -> Decimal:
    """To 15 significant digits, for units whose relation is not exact."""
    number = Decimal(value)
    return Decimal(f"{number:.15g}")
