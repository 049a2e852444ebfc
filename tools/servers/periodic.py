"""All real solutions of an equation with sin, cos or tan: one solution stands for a row of them, a period apart."""

from __future__ import annotations

from typing import Any

MORE = "(sin, cos and tan repeat; there may be more solutions than these)"


def is_periodic(differences: list[Any], symbols: list[Any]) -> bool:
    """Whether an unknown stands inside a trigonometric function."""
    import sympy

    inside = [each for difference in differences for each in difference.atoms(sympy.sin, sympy.cos, sympy.tan)]
    inside += [each for difference in differences for each in difference.atoms(sympy.cot, sympy.sec, sympy.csc)]
    return any(each.has(*symbols) for each in inside)


def families(difference: Any, symbol: Any) -> list[tuple[Any, Any]] | None:
    """Solutions as pairs (first, period): first + period*n for every whole number n; a period of 0: a single one.

    Returns:
        None where the set of real solutions is not of that form or not known.
    """
    import sympy

    real = sympy.Symbol(str(symbol), real=True)
    try:
        found = sympy.solveset(difference.subs(symbol, real), real, sympy.S.Reals)
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    pairs: list[tuple[Any, Any]] = []
    for each in found.args if isinstance(found, sympy.Union) else [found]:
        if isinstance(each, sympy.FiniteSet):
            pairs += [(value, sympy.S.Zero) for value in each]
        elif isinstance(each, sympy.ImageSet) and each.base_sets == (sympy.S.Integers,):
            pair = _pair(each.lamda)
            if pair is None:
                return None
            pairs.append(pair)
        elif each is not sympy.S.EmptySet:
            return None
    return sorted(pairs, key=lambda pair: float(pair[0]))


def _pair(function: Any) -> tuple[Any, Any] | None:
    import sympy

    (number,) = function.variables
    terms = sympy.Poly(function.expr, number) if function.expr.is_polynomial(number) else None
    if terms is None or terms.degree() != 1:
        return None
    period, first = terms.all_coeffs()
    if not (first.is_real and period.is_real):
        return None
    return sympy.simplify(first), sympy.simplify(period)
