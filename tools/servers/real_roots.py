"""Real solutions of one equation by numbers: where it changes its sign or touches zero, on a bounded grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

DIGITS = 30
MAX_ROOTS = 50
MAX_TOUCHES = 200
_RANGE_POINTS = 4
"""So many neighbouring points that solve an equation are a range, or all too small for a float."""
_RANGE_DIGITS = 200
_MAX_EXPONENT = 1000
"""A larger exponent is never used exactly: the power would have as many digits."""
_UNDEFINED = (ValueError, ZeroDivisionError, OverflowError, TypeError, NameError, AttributeError)
_UNSOLVED = (ValueError, TypeError, ZeroDivisionError, KeyError, OverflowError, AttributeError, NotImplementedError)


@dataclass(frozen=True, slots=True)
class Found:
    """What the search found.

    Attributes:
        roots: SymPy numbers of 30 digits, or exact where that is a short decimal; ascending.
        ranges: first and last point of ranges in which every point solves the equation.
    """

    roots: list[Any] = field(default_factory=list)
    ranges: list[tuple[float, float]] = field(default_factory=list)


def real_function(expression: Any, symbol: Any) -> Callable[[float], float]:
    """The expression's value at a float; nan where it is not defined, not real or too large."""
    import sympy

    place = sympy.Dummy("x")
    value = sympy.lambdify(place, expression.subs(symbol, place), modules=[{"factorial": _factorial}, "math"])

    def at(x: float) -> float:
        try:
            return float(value(x))
        except _UNDEFINED:  # a complex value is a TypeError
            return math.nan

    return at


def _factorial(value: float) -> int:
    if not (value.is_integer() and 0 <= value <= 170):
        raise ValueError
    return math.factorial(int(value))


def grid() -> list[float]:
    """Where the search looks: every 0.005 to 20, every 0.25 to 1,000, twenty points a power of ten to 1e12."""
    points = {number / 200 for number in range(-4000, 4001)} | {number / 4 for number in range(-4000, 4001)}
    points |= {sign * 10.0 ** (number / 20) for sign in (1, -1) for number in range(-180, 241)}
    return sorted(points)


def real_roots(difference: Any, symbol: Any) -> Found:
    """The real numbers that make the difference zero, as far as the grid shows them; each is checked to 25 digits.

    Args:
        difference: a SymPy expression of one symbol.
    """
    function = real_function(difference, symbol)
    points = [(x, function(x)) for x in grid()]
    runs = list(_zero_runs(points))
    solved = [run for run in runs if _is_range(run, difference, symbol)]
    found = Found(ranges=[(run[0], run[-1]) for run in solved])
    too_small = {x for run in runs if run not in solved for x in run}
    points = [(x, math.nan if x in too_small else value) for x, value in points]
    brackets = list(_brackets(points, function))
    brackets.sort(key=lambda bracket: abs(bracket[0]))
    for low, high, touches in brackets:
        if len(found.roots) > MAX_ROOTS:
            break
        if any(first <= high and low <= last for first, last in found.ranges):
            continue
        root = _refined(difference, symbol, low, high, touches)
        if root is not None and not any(same(root, each) for each in found.roots):
            found.roots.append(root)
    found.roots.sort(key=float)
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two numbers, complex ones too, agree to about 12 digits."""
    first, second = complex(one), complex(other)
    return abs(first - second) <= 1e-12 * max(abs(first), abs(second), 1e-6)


def vanishes(difference: Any, values: dict[Any, Any]) -> bool:
    """Whether the difference is zero at these values, as far as 25 digits of the largest part tell."""
    import sympy

    values = {each: value.evalf(DIGITS + 10) if value.has(sympy.CRootOf) else value for each, value in values.items()}
    try:
        if _has_large_powers(difference, values):
            values = {each: value.evalf(DIGITS + 10) for each, value in values.items()}
        there = difference.subs(values)
        if there == 0:
            return True
        parts = sympy.Add.make_args(difference)
        size = max(abs(part.subs(values).evalf(15)) for part in parts) if len(parts) > 1 else 1
        small: bool = bool(abs(there.evalf(DIGITS)) <= 1e-25 * size)
        return small
    except _UNSOLVED:
        return False


def _has_large_powers(difference: Any, values: dict[Any, Any]) -> bool:
    """Whether an exponent that depends on the values is too large for an exact power; inner exponents come first."""
    import sympy

    powers = [each for each in difference.atoms(sympy.Pow) if each.exp.free_symbols & values.keys()]
    for power in sorted(powers, key=lambda each: int(each.count_ops())):
        exponent = power.exp.subs(values)
        if exponent.is_number and abs(exponent.evalf(15)) > _MAX_EXPONENT:
            return True
    return False


def _zero_runs(points: list[tuple[float, float]]) -> Iterator[list[float]]:
    """Neighbouring points, at least four, where the float is zero."""
    run: list[float] = []
    for x, value in [*points, (math.inf, math.nan)]:
        if value == 0:
            run.append(x)
            continue
        if len(run) >= _RANGE_POINTS:
            yield run
        run = []


def _is_range(run: list[float], difference: Any, symbol: Any) -> bool:
    """Whether points of the run solve the equation to 180 digits, and are not merely too small or close for floats."""
    import sympy

    parts = sympy.Add.make_args(difference)
    for x in (run[1], run[len(run) // 3], run[len(run) // 2], run[-2]):
        at = sympy.Float(x, _RANGE_DIGITS)
        try:
            values = [part.subs(symbol, at).evalf(_RANGE_DIGITS) for part in parts]
            size = max(abs(value) for value in values) if len(values) > 1 else 0
            if not abs(sum(values)) <= size * sympy.Float(10) ** (20 - _RANGE_DIGITS):
                return False
        except _UNSOLVED:
            return False
    return True


def _brackets(
    points: list[tuple[float, float]], function: Callable[[float], float]
) -> Iterator[tuple[float, float, bool]]:
    """Pairs of points with a root between them; the third tells whether it is one without a change of sign."""
    for (low, before), (high, after) in pairwise(points):
        if before * after < 0:
            yield low, high, False
    touches = 0
    for (low, before), (_, value), (high, after) in zip(points, points[1:], points[2:], strict=False):
        if value == 0:
            yield low, high, not before * after < 0
        elif (
            touches < MAX_TOUCHES and abs(value) <= min(abs(before), abs(after)) and before * value > 0 < value * after
        ):
            least = abs(function(_lowest(function, low, high)))
            if least <= 1e-7 * max(abs(before), abs(after)):
                touches += 1
                yield low, high, True


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where the absolute value is least between two points, by the golden section."""
    part = (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - part * (high - low), low + part * (high - low)
        if abs(function(left)) < abs(function(right)):
            high = right
        else:
            low = left
    return (low + high) / 2


def _refined(difference: Any, symbol: Any, low: float, high: float, touches: bool) -> Any | None:
    import sympy

    try:
        target = difference.diff(symbol) if touches else difference
        root = sympy.nsolve(target, symbol, (low, high), solver="anderson", prec=DIGITS + 10)
    except _UNSOLVED:
        return None
    if not root.is_real or not low <= root <= high:
        return None
    short = sympy.Rational(str(round(float(root), 6)))
    if abs(root - short) < 1e-20 and vanishes(difference, {symbol: short}):
        return short
    if touches:
        return root if vanishes(difference, {symbol: root}) else None
    return root if _crosses(difference, symbol, root) else None


def _crosses(difference: Any, symbol: Any, root: Any) -> bool:
    """Whether the sign changes at the root by passing zero, and not by a pole or a step."""
    step = abs(root) * 1e-15 + 1e-30
    try:
        near, far = (
            [difference.subs(symbol, root + sign * distance).evalf(DIGITS) for sign in (-1, 1)]
            for distance in (step, step * 1000)
        )
        return bool(near[0] * near[1] <= 0 and all(abs(a) <= abs(b) / 2 for a, b in zip(near, far, strict=True)))
    except _UNSOLVED:
        return False
