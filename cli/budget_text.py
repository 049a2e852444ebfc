"""What is said of a budget that was reached, in plain words."""

from __future__ import annotations

NAMES = {
    "cycles": "planning rounds",
    "llm_calls": "model calls",
    "tokens": "tokens",
    "cost": "cost",
    "seconds": "time",
    "tool_seconds": "tool time",
}
KEPT_FOR_THE_ANSWER = frozenset({"llm_calls", "tokens", "cost"})
"""The budgets of which a part is set aside for the last model call."""


def budget_text(budget: str, spent: float, limit: float) -> str:
    """`model calls: 5 of 6 used, the rest was kept for the answer`."""
    if budget == "cost":
        amounts = f"${amount(spent)} of ${amount(limit)}"
    elif budget.endswith("seconds"):
        amounts = f"{amount(spent)} of {counted(limit, 'second')}"
    else:
        amounts = f"{amount(spent)} of {amount(limit)}"
    rest = ", the rest was kept for the answer" if budget in KEPT_FOR_THE_ANSWER and spent < limit else ""
    return f"{NAMES.get(budget, budget)}: {amounts} used{rest}"


def counted(number: float, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{amount(number)} {noun}" if number == 1 else f"{amount(number)} {noun}s"


def amount(value: float) -> str:
    """A figure of a budget as a person writes it: 1,234,567 tokens, 0.1234 dollars."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4f}".rstrip("0")
