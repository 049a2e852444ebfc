"""Solves equations, systems and inequalities with SymPy; a job that is ended where it takes too long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.servers.algebra_text import MAX_EQUATIONS, relation
from tools.servers.periodic import MORE, families, is_periodic

MAX_SOLUTIONS = 50
MAX_SHOWN = 4000
GUESSES = (0.5, 1, -1, 2, -2, 5, -5, 10, -10, 50, -50)
_BETWEEN = re.compile(r"[;\n]|,(?![^(]*\))")


def solve_text(inputs: Mapping[str, Path], out: Path, equations: str, unknowns: str = "") -> str:
    """All solutions, exact, and as decimals where that says more; one line each.

    Args:
        equations: one or several, separated by semicolons, commas or lines.
        unknowns: names separated by commas; empty: all that stand in the equations.

    Raises:
        ValueError: an equation cannot be read, or no way is known to solve it.
    """
    import sympy

    texts = [part for part in _BETWEEN.split(equations) if part.strip()]
    if not 1 <= len(texts) <= MAX_EQUATIONS:
        raise ValueError(f"solve takes 1 to {MAX_EQUATIONS} equations")
    named = frozenset(name.strip() for name in unknowns.split(",") if name.strip())
    relations = [relation(part, named) for part in texts]
    if not any(each.free_symbols for each in relations):  # a single e or i is an unknown, no number
        relations = [relation(part, frozenset("eEiI")) for part in texts]
    symbols = _unknowns(relations, unknowns)
    if all(isinstance(each, sympy.Eq) for each in relations):
        return _equations(relations, symbols)
    if len(symbols) != 1 or any(each.free_symbols != set(symbols) for each in relations):
        raise ValueError("inequalities are solved for one unknown")
    return _inequalities(relations, symbols[0])


def _unknowns(relations: list[Any], names: str) -> list[Any]:
    import sympy

    there = sorted(set().union(*(each.free_symbols for each in relations)), key=_preference)
    wanted = [sympy.Symbol(name.strip()) for name in names.split(",") if name.strip()]
    missing = [str(each) for each in wanted if each not in there]
    if missing or not there:
        raise ValueError(f"{missing[0][:20]!r} is in no equation" if missing else "there is no unknown in it")
    return wanted or sorted(there[: len(relations)], key=str)


def _preference(symbol: Any) -> tuple[bool, str]:
    """Where there are more letters than equations, x, y and z are the unknowns and others stand for numbers."""
    return str(symbol) not in ("x", "y", "z"), str(symbol)


def _equations(relations: list[Any], symbols: list[Any]) -> str:
    import sympy

    differences = [each.lhs - each.rhs for each in relations]
    if any(each.has(sympy.Abs) for each in differences):  # solved among the real numbers alone
        real = {symbol: sympy.Symbol(str(symbol), real=True) for symbol in symbols}
        differences, symbols = [each.subs(real) for each in differences], list(real.values())
    try:
        found = sympy.solve(differences[0] if len(differences) == 1 else differences, symbols, dict=True)
    except NotImplementedError:
        return _numeric(differences, symbols)
    if found and is_periodic(differences, symbols):
        return _repeating(differences, symbols) or f"{_shown(found, symbols)}\n{MORE}"
    if found:
        return _shown(found, symbols)
    if all(sympy.simplify(each) == 0 for each in differences):
        return "true for every value"
    if all(each.is_polynomial(*symbols) for each in differences):
        return "no solution"
    return "no solution was found"


def _repeating(differences: list[Any], symbols: list[Any]) -> str:
    """The solutions of one equation with their periods; empty where these are not known."""
    (symbol, *others), (difference, *more) = symbols, differences
    if others or more or difference.free_symbols != {symbol}:
        return ""
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
        said.append(f"{symbol} = {text}{about}" if period != 0 else f"{symbol} = {_value(first)}")
    return "\n".join([*said, f"({number} is any whole number; angles are in radians)"])[:MAX_SHOWN]


def _numeric(differences: list[Any], symbols: list[Any]) -> str:
    """Solutions near a few guesses, each put back into the equation."""
    import sympy

    if len(differences) != len(symbols) or set().union(*(each.free_symbols for each in differences)) - set(symbols):
        raise ValueError("no way is known to solve this; give as many equations as there are unknowns")
    found: list[Any] = []
    for guess in GUESSES:
        try:
            root = sympy.nsolve(differences, symbols, [guess] * len(symbols), dict=True, prec=15)[0]
        except (ValueError, TypeError, ZeroDivisionError, KeyError, NotImplementedError):
            continue
        root = {symbol: value.n(15, chop=True) for symbol, value in root.items()}
        if not any(all(abs(root[each] - known[each]) < 1e-9 for each in symbols) for known in found):
            found.append(root)
    if not found:
        raise ValueError("no exact way to solve this is known, and no solution was found by trying numbers")
    found.sort(key=lambda root: str(root[symbols[0]]))
    return _shown(found, symbols) + "\n(found by trying numbers; there may be more)"


def _inequalities(relations: list[Any], symbol: Any) -> str:
    import sympy

    real = sympy.Symbol(str(symbol), real=True)
    try:
        found = sympy.reduce_inequalities([each.subs(symbol, real) for each in relations], real)
    except NotImplementedError:
        raise ValueError("no way is known to solve this inequality") from None
    if found in (sympy.true, sympy.false):
        return "true for every value" if found == sympy.true else "no solution"
    text = str(found.as_set()) + f"\n{found}"
    return text[:MAX_SHOWN]


def _shown(found: list[dict[Any, Any]], symbols: list[Any]) -> str:
    said = []
    for solution in found[:MAX_SOLUTIONS]:
        parts = [f"{symbol} = {_value(solution[symbol])}" for symbol in symbols if symbol in solution]
        said.append(", ".join(parts) or "true for every value")
    free = [str(symbol) for symbol in symbols if all(symbol not in each for each in found)]
    said += [f"{', '.join(free)}: any value"] * bool(free)
    return "\n".join(said)[:MAX_SHOWN]


def _value(value: Any) -> str:
    """Exact, and about how much it is where it is neither whole nor a short decimal."""
    import sympy

    text = str(value)
    if value.has(sympy.CRootOf):
        return str(value.evalf(10))
    if not value.is_number or value.is_Integer:
        return text
    about = str(value.evalf(10))
    if value.is_Rational and _ends(value.q):
        return str(value.evalf(15)).rstrip("0").rstrip(".")
    return f"{text} (about {about})" if len(text) <= 200 and text != about else about


def _ends(denominator: int) -> bool:
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1
