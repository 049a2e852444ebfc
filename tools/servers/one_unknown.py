"""One equation with one unknown: what SymPy finds, checked, and what a search by numbers adds."""

from __future__ import annotations

from typing import Any

from tools.servers.periodic import families, is_periodic
from tools.servers.real_roots import real_roots, same, vanishes
from tools.servers.solution_text import MAX_SHOWN, MAX_SOLUTIONS, solutions_text, value_text

SEARCHED = "(real solutions were searched for by numbers, closely from -20 to 20; there may be more)"
_UNSOLVED = (NotImplementedError, ValueError, TypeError, AttributeError, RecursionError)


def solve_one(difference: Any, symbol: Any, divisors: list[Any]) -> str:
    """The solutions of difference = 0, one a line, and a note where there may be more.

    Args:
        difference: a SymPy expression of the symbol alone.
        divisors: what must not be zero.

    Raises:
        ValueError: none was found, though there may be one, or whole ranges solve it.
    """
    import sympy

    if is_periodic([difference], [symbol]) and (repeating := _repeating(difference, symbol)):
        return repeating
    algebraic = difference.together().as_numer_denom()[0].is_polynomial(symbol)
    allowed = [each for each in _candidates(difference, symbol) if not _excluded(each, symbol, divisors)]
    exact = [each for each in allowed if each.has(sympy.CRootOf) or vanishes(difference, {symbol: each})]
    found = real_roots(difference, symbol)
    if found.ranges:
        first, last = found.ranges[0]
        raise ValueError(f"every number of a range solves this, at least those from about {first:g} to {last:g}")
    more = [root for root in found.roots if not any(same(root, each) for each in exact)]
    more = [root for root in more if not _excluded(root, symbol, divisors)]
    real = sorted([value for value in exact if value.is_real] + more, key=float)
    shown = [*real, *(value for value in exact if not value.is_real)] if algebraic or not real else real
    if (algebraic and not more) or (shown == real and _are_all_real(difference, symbol, real)):
        note = ""
    elif not shown:
        raise ValueError("no solution was found by formulas or by trying numbers; there may be some")
    else:
        note = f"\n{SEARCHED}"
    if not shown:
        return "no solution" if algebraic else "no solution among the real numbers"
    return solutions_text([{symbol: value} for value in shown], [symbol]) + note


def _excluded(value: Any, symbol: Any, divisors: list[Any]) -> bool:
    return any(vanishes(each, {symbol: value}) for each in divisors)


def _candidates(difference: Any, symbol: Any) -> list[Any]:
    """What SymPy finds, with the other real branch of Lambert's W, which it often leaves out."""
    import sympy

    try:
        found = sympy.solve(difference, symbol)
    except _UNSOLVED:
        return []
    values: list[Any] = []
    for value in found:
        other = value.replace(lambda part: part.func == sympy.LambertW, lambda part: sympy.LambertW(part.args[0], -1))
        values += [each for each in dict.fromkeys([value, other]) if each.is_number and each not in values]
    return [value for value in values if value.is_real is not None or not value.has(sympy.LambertW)]


def _are_all_real(difference: Any, symbol: Any, found: list[Any]) -> bool:
    """Whether SymPy can prove that these are all the real solutions."""
    import sympy

    real = sympy.Symbol(str(symbol), real=True)
    try:
        proved = sympy.solveset(difference.subs(symbol, real), real, sympy.S.Reals)
    except _UNSOLVED:
        return False
    if not isinstance(proved, sympy.FiniteSet) and proved is not sympy.S.EmptySet:
        return False
    return len(proved) == len(found) and all(any(same(each, value) for value in found) for each in proved)


def _repeating(difference: Any, symbol: Any) -> str:
    """The solutions of one equation with their periods; empty where these are not known."""
    found = families(difference, symbol)
    if found is None:
        return ""
    if not found:
        return "no solution among the real numbers"
    number = "k" if str(symbol) == "n" else "n"
    said = []
    for first, period in found[:MAX_SOLUTIONS]:
        text = f"{first} + {period}*{number}" if first != 0 else f"{period}*{number}"
        about = f" (about {first.evalf(10)} + {period.evalf(10)}*{number})" if first != 0 else ""
        said.append(f"{symbol} = {text}{about}" if period != 0 else f"{symbol} = {value_text(first)}")
    return "\n".join([*said, f"({number} is any whole number; angles are in radians)"])[:MAX_SHOWN]
