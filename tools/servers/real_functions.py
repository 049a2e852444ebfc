"""Logarithms, angles and their like of decimals, to 50 digits with mpmath."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

WORKING_DIGITS = 70
DIGITS = 50
MAX_EXPONENTIAL = 10_000
MAX_ANGLE = Decimal(10) ** 15
ROUND_TO = Decimal(1).scaleb(-DIGITS)


def _real(name: str, count: int = 1) -> Callable[..., Decimal]:
    """The function of mpmath, of so many decimals."""

    def apply(*numbers: Decimal) -> Decimal:
        import mpmath  # type: ignore[import-untyped]  # it ships no types

        if len(numbers) != count:
            raise TypeError
        with mpmath.workdps(WORKING_DIGITS):
            try:
                value: Any = getattr(mpmath, name)(*(mpmath.mpf(str(each)) for each in numbers))
            except (ValueError, ZeroDivisionError):
                raise InvalidOperation from None
            if not isinstance(value, mpmath.mpf) or not mpmath.isfinite(value):
                raise InvalidOperation
            return +Decimal(mpmath.nstr(value, DIGITS))

    return apply


def _exponential(name: str) -> Callable[[Decimal], Decimal]:
    function = _real(name)

    def apply(a: Decimal) -> Decimal:
        if abs(a) > MAX_EXPONENTIAL:
            raise OverflowError
        return function(a)

    return apply


def _angle(name: str) -> Callable[[Decimal], Decimal]:
    """A function of an angle in radians; what is zero but for the digits of pi is zero."""
    function = _real(name)

    def apply(a: Decimal) -> Decimal:
        if abs(a) > MAX_ANGLE:
            raise OverflowError
        value = function(a)
        if abs(value) > 1 / ROUND_TO:
            raise InvalidOperation
        return value.quantize(ROUND_TO).normalize()

    return apply


def _logarithm(a: Decimal, base: Decimal | None = None) -> Decimal:
    if base is not None and (base <= 0 or base == 1):
        raise InvalidOperation
    return _real("log")(a) if base is None else _real("log", 2)(a, base)


REAL_FUNCTIONS: dict[str, Callable[..., Decimal]] = {
    "log": _logarithm,
    "ln": _real("log"),
    "log10": _real("log10"),
    "log2": lambda a: _logarithm(a, Decimal(2)),
    "hypot": _real("hypot", 2),
    "atan2": _real("atan2", 2),
    "cbrt": lambda a: _real("cbrt")(abs(a)).copy_sign(a),
    **{name: _exponential(name) for name in ("exp", "sinh", "cosh", "tanh")},
    **{name: _angle(name) for name in ("sin", "cos", "tan")},
    **{name: _real(name) for name in ("asin", "acos", "atan")},
}
