"""Suspicions that two results contradict each other: few, and only where the subtasks are about one thing."""

from __future__ import annotations

import time

import pytest

from nodes.contradictions import MOST, contradictions, describe_pair, disagree, same_thing
from tests.fakes.results import gave, planned


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Find the population of Bern.", "Look up the population of Bern using the census.", True),
        ("Find the population of Bern.", "Verify the population of Bern in a second source.", True),
        ("Count the moons of Mars", "How many moons does Mars have?", True),
        ("Multiply 48 by 37.", "Calculate 48 by 37.", False),
        ("Find the population of Bern.", "Find the population of Basel.", False),
        ("Find the population of Bern in 2020.", "Find the population of Bern in 2010.", False),
        ("Subtract 3 from 5.", "Subtract 5 from 3.", False),
        ("Convert dollars to euros.", "Convert euros to dollars.", False),
        ("Find the capital of France.", "Find the population of France.", False),
        ("Find out.", "Look it up.", False),
    ],
)
def test_the_same_thing(one: str, two: str, same: bool) -> None:
    assert same_thing(one, two) is same
    assert same_thing(two, one) is same


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ("134591", "140000", True),
        ("134,591", "about 134591 people", False),
        ("134591", "many", False),
        ("Bern", "It is Bern.", False),
        ("Bern", "Zurich", True),
        ("", "Bern", False),
    ],
)
def test_disagreement(one: str, two: str, apart: bool) -> None:
    assert disagree(one, two) is apart
    assert disagree(two, one) is apart


FIND, LOOK, CHECK = "Find the population of Bern.", "Look up the population of Bern.", "Check the population of Bern."


def test_two_subtasks_that_find_different_things_about_one() -> None:
    plan = [planned(1, FIND), planned(2, LOOK)]
    results = [gave(1, "134591", description=FIND), gave(2, "140000", "partial", description=LOOK)]
    assert contradictions(plan, results) == [(1, 2)]
    assert describe_pair((1, 2), results) == 'task 1 gave "134591" but task 2 gave "140000"'
    assert contradictions(plan, [results[0], gave(2, "140000", "failed", description=LOOK)]) == []


def test_what_builds_on_a_result_gives_another_one_unless_it_checks_it() -> None:
    results = [gave(1, "134591", description=FIND), gave(2, "140000", description=LOOK)]
    assert contradictions([planned(1, FIND), planned(2, LOOK, (1,))], results) == []
    checked = [results[0], gave(2, "140000", description=CHECK)]
    assert contradictions([planned(1, FIND), planned(2, CHECK, (1,))], checked) == [(1, 2)]


def test_a_plain_plan_raises_no_suspicion() -> None:
    texts = [
        "Multiply 48 by 37.",
        "Add 24 to the product.",
        "Divide 7 by 2.",
        "Find when Bach died.",
        "Find when Bach wed.",
    ]
    plan = [planned(n, text) for n, text in enumerate(texts)]
    assert contradictions(plan, [gave(n, str(n * 7 + 1), description=text) for n, text in enumerate(texts)]) == []


def test_many_results_are_compared_in_bounded_time() -> None:
    results = [gave(n, str(n), description=f"{FIND} {'long ' * 500}") for n in range(500)]
    started = time.perf_counter()
    assert len(contradictions([], results)) == MOST
    assert time.perf_counter() - started < 3
