"""Numbers as people write them, in and out: exact decimals, no 0.30000000000000004 and no 1776.0."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, Overflow, localcontext
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

EXACT_DIGITS = 400
"""Results with at most so many digits are shown in full; longer ones are shortened, with "about" before them."""
WORKING_DIGITS = 2100
"""Results are calculated with so many."""
SHOWN_PLACES = 10
MAX_PLACES = 50
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")


def exact_context() -> Context:
    """Arithmetic with WORKING_DIGITS digits; division by zero and overflow raise."""
    return Context(prec=WORKING_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, Overflow])


def to_number(value: object) -> Decimal:
    """A number from a JSON number or from text such as "48", "1,200.50", "$3".

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a number")
    text = str(value).strip().strip("$€£").strip()
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{str(value)[:50]!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise ValueError(f"{str(value)[:50]!r} is not a number to calculate with")
    return number


def shown(number: Decimal) -> str:
    """The number in plain digits: exact where it ends within 40 places, else "about" and SHOWN_PLACES."""
    with localcontext(exact_context()):
        if number == 0:
            return "0"
        magnitude = number.adjusted()
        if magnitude >= EXACT_DIGITS or magnitude < -40:
            short = Decimal(f"{number:.{SHOWN_PLACES}g}").normalize()
            return f"{short}".lower() if short == number else f"about {short}".lower()
        text = f"{number.normalize():f}"
        if len(text.partition(".")[2]) > 40:
            places = SHOWN_PLACES if magnitude >= 0 else SHOWN_PLACES - magnitude - 1
            text = f"about {round_half_up(number, places).normalize():f}"
        return text


def round_half_up(number: Decimal, places: Decimal | int) -> Decimal:
    """Rounded the way people learn it: halves away from zero. Negative places round to tens, hundreds, ...

    Raises:
        ValueError: places is not a whole number from -MAX_PLACES to MAX_PLACES.
    """
    places = Decimal(places)
    if abs(places) > MAX_PLACES or places != int(places):
        raise ValueError(f"digits takes a whole number from -{MAX_PLACES} to {MAX_PLACES}")
    if number.adjusted() >= WORKING_DIGITS:
        return number
    with localcontext(exact_context()) as context:
        context.prec = WORKING_DIGITS + MAX_PLACES + 1
        return number.quantize(Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP)


Number = Annotated[Decimal, BeforeValidator(to_number), WithJsonSchema({"type": "number"})]
"""An argument's type: a JSON number for the model, an exact decimal for the tool, text accepted."""
