"""Solutions as text: exact, and about how much that is."""

from __future__ import annotations

from typing import Any

MAX_SOLUTIONS = 50
MAX_SHOWN = 4000


def solutions_text(found: list[dict[Any, Any]], symbols: list[Any]) -> str:
    said = []
    for solution in found[:MAX_SOLUTIONS]:
        parts = [f"{symbol} = {value_text(solution[symbol])}" for symbol in symbols if symbol in solution]
        said.append(", ".join(parts) or "true for every value")
    free = [str(symbol) for symbol in symbols if all(symbol not in each for each in found)]
    said += [f"{', '.join(free)}: any value"] * bool(free)
    return "\n".join(said)[:MAX_SHOWN]


def value_text(value: Any) -> str:
    """Exact, and about how much it is where it is neither whole nor a short decimal."""
    import sympy

    text = str(value)
    if value.has(sympy.CRootOf) or value.is_Float:
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
