"""The decisions of the budgets, as tables."""

from __future__ import annotations

import pytest

from configs.prices import Price
from configs.settings import load_settings
from graph.context import Context, resolve
from graph.state import Budget
from nodes.budgets import Amounts, Decision, budget_ending, decide, limits_of, output_cap

PRICE = Price(input=2, output=8)
GO = Decision("go")


@pytest.mark.parametrize(
    ("spent", "reserved", "wanted", "kept_back", "decision"),
    [
        (0, 0, 100, 0, GO),
        (0, 0, 101, 0, Decision("end", "tokens")),
        (60, 0, 30, 10, GO),
        (60, 0, 31, 10, Decision("end", "tokens")),
        (60, 20, 20, 0, GO),
        (60, 21, 20, 0, Decision("wait", "tokens")),
        (60, 40, 20, 20, Decision("wait", "tokens")),
        (60, 40, 21, 20, Decision("end", "tokens")),
        (100, 0, 0, 0, GO),
        (101, 0, 0, 0, Decision("end", "tokens")),
    ],
)
def test_what_is_spent_reserved_wanted_and_kept_back_meets_the_limit(
    spent: float, reserved: float, wanted: float, kept_back: float, decision: Decision
) -> None:
    def tokens(amount: float) -> Amounts:
        return {"tokens": amount, "llm_calls": 1}

    assert decide({"tokens": 100.0}, tokens(spent), tokens(reserved), tokens(wanted), tokens(kept_back)) == decision


def test_the_end_of_one_budget_goes_before_waiting_for_another() -> None:
    limits: Amounts = {"llm_calls": 10, "tokens": 100}
    spent: Amounts = {"llm_calls": 5, "tokens": 90}
    assert decide(limits, spent, {"llm_calls": 5}, {"llm_calls": 1, "tokens": 11}, {}) == Decision("end", "tokens")
    assert decide(limits, spent, {"llm_calls": 5}, {"llm_calls": 1, "tokens": 10}, {}) == Decision("wait", "llm_calls")


def test_without_limits_everything_goes() -> None:
    assert decide({}, {"tokens": 1e12}, {}, {"tokens": 1e12}, {}) == GO


def test_sums_of_dollars_may_meet_the_limit() -> None:
    assert decide({"cost": 0.3}, {"cost": 0.1 + 0.2}, {}, {}, {}) == GO


@pytest.mark.parametrize(
    ("limits", "taken", "sharers", "least", "cap"),
    [
        ({"tokens": 1000.0}, {"tokens": 400.0}, 1, 50, (500, "tokens")),
        ({"tokens": 1000.0}, {"tokens": 400.0}, 4, 50, (125, "tokens")),
        ({"tokens": 1000.0}, {"tokens": 400.0}, 4, 200, (200, "tokens")),
        ({"tokens": 1000.0}, {"tokens": 800.0}, 4, 200, (100, "tokens")),
        ({"cost": 0.01}, {"cost": 0.005}, 1, 50, (600, "cost")),
        ({"cost": 0.01, "tokens": 500.0}, {"cost": 0.005}, 1, 50, (400, "tokens")),
        ({"llm_calls": 3.0}, {}, 1, 50, None),
    ],
)
def test_a_reply_gets_its_share_of_what_is_left(
    limits: Amounts, taken: Amounts, sharers: int, least: int, cap: tuple[int, Budget] | None
) -> None:
    assert output_cap(limits, taken, 100, PRICE, sharers=sharers, least=least) == cap


def test_a_free_model_is_not_bound_by_dollars() -> None:
    assert output_cap({"cost": 1.0}, {}, 100, Price(input=0, output=0), sharers=1, least=50) is None


def test_endings_name_the_limit_in_its_unit() -> None:
    knobs = resolve(Context(max_tokens=6000, max_cost_usd=0.05, max_cycles=3), load_settings())
    assert limits_of(knobs) == {"tokens": 6000, "cost": 0.05}
    assert budget_ending(knobs, "tokens")["detail"] == "The budget of 6,000 tokens is used up."
    assert budget_ending(knobs, "cost")["detail"] == "The budget of 0.05 US dollars is used up."
    assert budget_ending(knobs, "cycles")["detail"] == "The budget of 3 planning rounds is used up."
    one = knobs.model_copy(update={"max_cycles": 1})
    assert budget_ending(one, "cycles")["detail"] == "The budget of 1 planning round is used up."
