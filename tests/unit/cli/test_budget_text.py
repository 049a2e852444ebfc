"""Budgets in plain words."""

from __future__ import annotations

import pytest

from cli.budget_text import budget_text, counted


@pytest.mark.parametrize(
    ("budget", "spent", "limit", "text"),
    [
        ("llm_calls", 5, 6, "model calls: 5 of 6 used, the rest was kept for the answer"),
        ("tokens", 9840, 9000, "tokens: 9,840 of 9,000 used"),
        ("cost", 0.0125, 0.5, "cost: $0.0125 of $0.5 used, the rest was kept for the answer"),
        ("cycles", 1, 1, "planning rounds: 1 of 1 used"),
        ("seconds", 1.5, 1, "time: 1.5 of 1 second used"),
        ("tool_seconds", 30, 30, "tool time: 30 of 30 seconds used"),
    ],
)
def test_a_budget_is_told_in_its_own_unit(budget: str, spent: float, limit: float, text: str) -> None:
    assert budget_text(budget, spent, limit) == text


def test_one_is_singular() -> None:
    assert (counted(1, "call"), counted(2, "call"), counted(0, "call")) == ("1 call", "2 calls", "0 calls")
