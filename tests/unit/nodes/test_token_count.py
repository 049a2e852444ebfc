"""Token counts that follow what providers report."""

from __future__ import annotations

from langchain_core.messages import HumanMessage, SystemMessage

from nodes.token_count import HIGHEST, LOWEST, SMALLEST, TokenCounts, approximate

REQUEST = [SystemMessage("rules " * 100), HumanMessage("question " * 100)]
TOOL = {"type": "function", "function": {"name": "look", "description": "d" * 400, "parameters": {}}}


def test_an_unknown_model_counts_four_characters_a_token_with_the_tool_schemas() -> None:
    counts = TokenCounts()
    assert counts.estimate("m", REQUEST) == approximate(REQUEST)
    assert 370 < approximate(REQUEST) < 400
    assert counts.estimate("m", REQUEST, [TOOL]) - counts.estimate("m", REQUEST) > 100


def test_a_report_corrects_the_next_estimate_of_that_model_alone() -> None:
    counts = TokenCounts()
    counts.learn("m", approximate(REQUEST), 2 * approximate(REQUEST))
    assert counts.estimate("m", REQUEST) == 2 * approximate(REQUEST)
    assert counts.estimate("other", REQUEST) == approximate(REQUEST)


def test_the_factor_rises_at_once_and_falls_slowly_to_what_is_reported() -> None:
    counts = TokenCounts()
    for reported in (1000, 1500, 1000):
        counts.learn("m", 1000, reported)
    assert 1.3 < counts.factor("m") < 1.5
    for _ in range(30):
        counts.learn("m", 1000, 1000)
    assert abs(counts.factor("m") - 1) < 0.01


def test_what_cannot_be_true_or_says_nothing_is_not_learnt() -> None:
    counts = TokenCounts()
    counts.learn("m", SMALLEST - 1, 10_000)
    counts.learn("m", 1000, 0)
    assert counts.factors == {}
    counts.learn("high", 100, 10**9)
    counts.learn("low", 10**6, 1)
    assert counts.factors == {"high": HIGHEST, "low": LOWEST}


def test_room_is_what_a_budget_leaves_for_messages() -> None:
    counts = TokenCounts()
    counts.learn("m", 1000, 2000)
    assert counts.room("m", 1000) == 500
    assert counts.room("m", 1000, [TOOL]) == 500 - approximate((), [TOOL])
    assert counts.room("m", 10, [TOOL]) == 0
