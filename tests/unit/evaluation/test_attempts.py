"""The numbers drawn from made-up results."""

from __future__ import annotations

import pytest

from evaluation.attempts import (
    Attempt,
    Comparison,
    FamilyRow,
    accuracy,
    block_accuracies,
    family_rows,
    pair_to_show,
    rolling_accuracies,
)
from graph.results import RunError
from tests.fakes.demo_attempts import attempt, comparison, demo_task, ended, failed


def test_a_failed_run_is_wrong_even_if_it_left_the_right_answer() -> None:
    late = Attempt(demo_task(2), ended("4", error=RunError("CaseBankError", "not written")))
    assert (late.answer, late.right) == (None, False)
    assert attempt(2, right=True).right and not failed(2).right


def test_accuracies() -> None:
    run = comparison("", "+-+++").memory
    assert (accuracy(run), accuracy([])) == (0.8, 0.0)
    assert block_accuracies(run, 2) == [0.5, 1.0, 1.0]
    assert rolling_accuracies(run, 4) == [(4, 0.75), (5, 0.75)]
    assert rolling_accuracies(run, 7) == [(5, 0.8)]
    assert rolling_accuracies([], 7) == []


@pytest.mark.parametrize(("memory", "length"), [("+", 1), ("++", 1), ("------", 2), ("+++++++++++", 3)])
def test_the_last_third_is_rounded_down_and_never_empty(memory: str, length: int) -> None:
    assert len(comparison("", memory).last_third) == length


def test_pairs_are_the_last_tasks() -> None:
    pairs = comparison("-!", "-+++").pairs
    assert [(pair.before.task, pair.after.task) for pair in pairs] == [(demo_task(n), demo_task(n)) for n in (2, 3)]


@pytest.mark.parametrize(
    ("none", "memory", "shown"),
    [
        ("----", "++++", 2),  # the middle one of all
        ("-+--", "++--", 0),  # the only one
        ("!!-!", "++++", 2),  # an answer tells more than a failure
        ("!!", "++", 1),
        ("-+", "-+", None),
        ("++", "--", None),
    ],
)
def test_the_task_to_show_was_wrong_and_is_right(none: str, memory: str, shown: int | None) -> None:
    pair = pair_to_show(comparison(none, memory).pairs)
    assert (pair and pair.after.task) == (None if shown is None else demo_task(shown))


def test_rows_of_families_keep_their_order() -> None:
    none = (attempt(4, right=False, family="b"),)
    memory = (
        attempt(1, right=True, family="b"),
        attempt(2, right=False, family="a"),
        attempt(4, right=True, family="b"),
    )
    assert family_rows(Comparison(none, memory, 2)) == [FamilyRow("b", 0, 1, 2, 2), FamilyRow("a", 0, 0, 0, 1)]
