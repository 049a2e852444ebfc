"""Inequalities with one unknown, their solutions as ranges, compared with the inequalities on a grid of numbers."""

from __future__ import annotations

import math
from typing import Any

from tools.servers.periodic import is_periodic
from tools.servers.real_roots import grid, real_function
from tools.servers.solution_text import MAX_SHOWN, value_text

MARGIN = 1e-9
NEAR = 5
"""Here no usual function is too large to be calculated: what has no value is outside of its domain."""


def solve_inequalities(relations: list[Any], symbol: Any) -> str:
    """The numbers that satisfy all relations: `-2 < x < 2`, `x <= -3 or x >= 3`.

    Raises:
        ValueError: no way is known, or what was found does not stand the comparison.
    """
    import sympy

    real = sympy.Symbol(str(symbol), real=True)
    stated = [each.subs(symbol, real) for each in relations]
    if sympy.false in stated:
        return "no solution"
    stated = [each for each in stated if each != sympy.true]
    if is_periodic(stated, [real]):
        raise ValueError("sin, cos and tan repeat; inequalities with them are not solved")
    try:
        solved = sympy.reduce_inequalities(stated, real)
        found = sympy.Reals if solved == sympy.true else solved.as_set()
    except (NotImplementedError, TypeError, AttributeError):
        raise ValueError("no way is known to solve this inequality") from None
    parts = list(found.args) if isinstance(found, sympy.Union) else [found]
    if not all(isinstance(part, sympy.Interval | sympy.FiniteSet) or part is sympy.S.EmptySet for part in parts):
        raise ValueError("no way is known to write the solutions of this inequality")
    _compare(parts, stated, real)
    if found is sympy.S.EmptySet:
        return "no solution"
    return " or ".join(_range_text(part, str(symbol)) for part in parts)[:MAX_SHOWN]


def _compare(parts: list[Any], stated: list[Any], symbol: Any) -> None:
    """Compare what was found with what was stated, away from the ends of the ranges."""
    import sympy

    intervals = [part for part in parts if isinstance(part, sympy.Interval)]
    ends = [(float(part.start), float(part.end)) for part in intervals]
    functions = [(type(each), real_function(each.lhs - each.rhs, symbol)) for each in stated]
    for x in sorted(grid(), key=abs):
        values = [(kind, function(x)) for kind, function in functions]
        inside = any(low < x < high for low, high in ends)
        undefined = any(math.isnan(value) for _, value in values)
        if undefined and inside and abs(x) < NEAR:
            raise _doubt(symbol, x)
        at_an_end = any(abs(x - end) <= MARGIN * max(1, abs(x)) for pair in ends for end in pair)
        if undefined or at_an_end or any(abs(value) <= MARGIN * max(1, abs(x)) for _, value in values):
            continue
        if inside != all(_holds(kind, value) for kind, value in values):
            raise _doubt(symbol, x)


def _doubt(symbol: Any, x: float) -> ValueError:
    return ValueError(f"no reliable solution of this inequality was found; look at {symbol} near {x:g}")


def _holds(kind: type, value: float) -> bool:
    import sympy

    if issubclass(kind, sympy.Eq):
        return False
    return kind is sympy.Ne or (value < 0) == issubclass(kind, sympy.Lt | sympy.Le)


def _range_text(part: Any, name: str) -> str:
    import sympy

    if isinstance(part, sympy.FiniteSet):
        return " or ".join(f"{name} = {value_text(each)}" for each in part)
    low, high = (value_text(end) for end in (part.start, part.end))
    below, above = ("<" if is_open else "<=" for is_open in (part.left_open, part.right_open))
    if part == sympy.Reals:
        return "true for every value"
    if part.start == -sympy.oo:
        return f"{name} {above} {high}"
    if part.end == sympy.oo:
        return f"{name} {'>' if part.left_open else '>='} {low}"
    return f"{low} {below} {name} {above} {high}"
