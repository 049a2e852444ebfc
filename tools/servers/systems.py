"""Several equations, or letters that stand for numbers."""

from __future__ import annotations

import itertools
from typing import Any

from tools.servers.periodic import MORE, is_periodic
from tools.servers.real_roots import vanishes
from tools.servers.solution_text import solutions_text

GUESSES = (0.5, 1, -1, 2, -2, 5, -5, 10, -10, 50, -50)
THERE_MAY_BE = "(there may be more solutions than these)"


def solve_system(differences: list[Any], symbols: list[Any], divisors: list[Any]) -> str:
    """Several equations, or letters that stand for numbers; every solution shown is one of all the equations."""
    import sympy

    everything = sorted(set().union(*(each.free_symbols for each in differences)), key=str)
    found: list[dict[Any, Any]] = []
    for wanted in (symbols, everything):
        try:
            found = sympy.solve(differences[0] if len(differences) == 1 else differences, wanted, dict=True)
        except NotImplementedError:
            found = []
        kept = [each for each in found if _solves(each, differences, divisors)]
        if kept:
            break
    plain = all(each.is_polynomial(*everything) for each in differences)
    if not kept:
        if found:
            raise ValueError(
                f"no solution for {', '.join(map(str, symbols))} was found; name the unknowns to solve for"
            )
        if plain:
            return "no solution"
        kept = _numeric(differences, symbols)
    if is_periodic(differences, wanted):
        return f"{solutions_text(kept, wanted)}\n{MORE}"
    whole = plain or (len(differences) == 1 and not any(value.has(sympy.LambertW) for value in kept[0].values()))
    return solutions_text(kept, wanted) + ("" if whole else f"\n{THERE_MAY_BE}")


def _solves(solution: dict[Any, Any], differences: list[Any], divisors: list[Any]) -> bool:
    """Whether a solution solves every equation, whatever the letters stand for that are left in it."""
    import sympy

    left = [each.subs(solution) for each in differences]
    if any(sympy.simplify(each.subs(solution)) == 0 for each in divisors):
        return False
    letters = sorted(set().union(*(each.free_symbols for each in left)), key=str)
    for shift in range(3):  # numbers for the letters; positive, so that roots and logarithms have values
        numbers = {letter: sympy.Rational(7 + 4 * place + shift, 3 + shift) for place, letter in enumerate(letters)}
        values = {each: value.subs(numbers) for each, value in solution.items()} | numbers
        if all(vanishes(each, values) for each in differences):
            return True
    return all(sympy.simplify(each) == 0 for each in left)


def _numeric(differences: list[Any], symbols: list[Any]) -> list[dict[Any, Any]]:
    """Solutions near a few guesses, each put back into the equations."""
    import sympy

    if len(differences) != len(symbols) or set().union(*(each.free_symbols for each in differences)) - set(symbols):
        raise ValueError("no way is known to solve this; give as many equations as there are unknowns")
    found: list[dict[Any, Any]] = []
    for guess in itertools.product(GUESSES, repeat=min(len(symbols), 2)):
        start = [guess[place % len(guess)] for place in range(len(symbols))]
        try:
            root = sympy.nsolve(differences, symbols, start, dict=True, prec=15)[0]
        except (ValueError, TypeError, ZeroDivisionError, KeyError, NotImplementedError, OverflowError):
            continue
        root = {symbol: value.n(15, chop=True) for symbol, value in root.items()}
        if not any(all(abs(root[each] - known[each]) < 1e-9 for each in symbols) for known in found):
            found.append(root)
    if not found:
        raise ValueError("no exact way to solve this is known, and no solution was found by trying numbers")
    return sorted(found, key=lambda root: [str(root[each]) for each in symbols])
