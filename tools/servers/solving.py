"""Solves equations, systems and inequalities with SymPy; a job that is ended where it takes too long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.servers.algebra_text import MAX_EQUATIONS, system
from tools.servers.inequalities import solve_inequalities
from tools.servers.one_unknown import solve_one
from tools.servers.systems import solve_system

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
    relations, divisors = system(texts, named)
    if not any(each.free_symbols for each in relations):  # a single e or i is an unknown, no number
        relations, divisors = system(texts, frozenset("eEiI"))
    symbols = _unknowns(relations, unknowns)
    if all(isinstance(each, sympy.Eq) for each in relations):
        return _equations(relations, symbols, divisors)
    if len(symbols) != 1 or any(each.free_symbols != set(symbols) for each in relations):
        raise ValueError("inequalities are solved for one unknown")
    return solve_inequalities(relations, symbols[0])


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


def _equations(relations: list[Any], symbols: list[Any], divisors: list[Any]) -> str:
    import sympy

    differences = [each.lhs - each.rhs for each in relations]
    if any(each.has(sympy.Abs) for each in differences):  # solved among the real numbers alone
        real = {symbol: sympy.Symbol(str(symbol), real=True) for symbol in symbols}
        differences, divisors = ([each.subs(real) for each in some] for some in (differences, divisors))
        symbols = list(real.values())
    if all(sympy.simplify(each) == 0 for each in differences):
        return "true for every value"
    if len(differences) == 1 and differences[0].free_symbols == set(symbols) and len(symbols) == 1:
        return solve_one(differences[0], symbols[0], divisors)
    return solve_system(differences, symbols, divisors)
