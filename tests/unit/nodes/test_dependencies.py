"""A plan as a graph, and one that somebody has spoiled."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from configs.errors import InvalidInputError
from nodes.dependencies import ancestors, check_plan, circle, needed, ready
from tests.fakes.results import gave, planned

DIAMOND = [planned(1), planned(2, "", (1,)), planned(3, "", (1,)), planned(4, "", (2, 3))]


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        ([planned(1, "", (9,))], "subtask 1 depends on 9, which is not in it"),
        ([planned(1), planned(1)], "the id 1 stands in it 2 times"),
        ([planned(1, "", (2,)), planned(2, "", (1,)), planned(3)], r"circle: \[1, 2\]"),
        ([planned(1, "", (1,))], r"circle: \[1\]"),
        ([{"id": "1", "description": "a", "depends_on": []}], "entry 1 has no whole number as its id"),
        ([{"id": True, "description": "a", "depends_on": []}], "entry 1 has no whole number"),
        ([{"id": 1, "description": " ", "depends_on": []}], "subtask 1 has no description"),
        ([{"id": 1, "description": "a"}], "depends_on of subtask 1"),
        ([{"id": 1, "description": "a", "depends_on": ["1"]}], "depends_on of subtask 1"),
        (["a"], "entry 1"),
        ("a", "no list"),
        (None, "no list"),
    ],
)
def test_a_spoiled_plan_is_refused_in_one_line(plan: Any, fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault) as raised:
        check_plan(plan)
    assert "\n" not in str(raised.value)


def test_a_sound_plan_passes_in_any_order() -> None:
    check_plan([])
    check_plan(DIAMOND[::-1])


def test_a_diamond_runs_from_top_to_bottom() -> None:
    assert [each["id"] for each in ready(DIAMOND, [])] == [1]
    assert [each["id"] for each in ready(DIAMOND, [gave(1)])] == [2, 3]
    assert ready(DIAMOND, [gave(1), gave(3)]) == [DIAMOND[1]]
    assert [each["id"] for each in ready(DIAMOND, [gave(1), gave(3), gave(2)])] == [4]
    assert ready(DIAMOND, [gave(1), gave(2, "", "partial"), gave(3)]) == [], "half a result is none to build on"
    assert [each["id"] for each in needed(DIAMOND[3], DIAMOND, [gave(3), gave(2), gave(1)])] == [1, 2, 3]
    assert ancestors(4, DIAMOND) == {1, 2, 3}


def test_every_order_of_finishing_carries_out_the_whole_plan_once() -> None:
    dice = random.Random(5)
    for _ in range(200):
        count = dice.randint(1, 12)
        plan = [planned(n, "", tuple(dice.sample(range(1, n), dice.randint(0, n - 1)))) for n in range(1, count + 1)]
        dice.shuffle(plan)
        check_plan(plan)
        results = [gave(0)][:0]
        while waiting := ready(plan, results):
            results += dice.sample([gave(each["id"]) for each in waiting], dice.randint(1, len(waiting)))
        assert sorted(each["id"] for each in results) == list(range(1, count + 1))


def test_a_long_chain_and_a_large_plan_are_quick() -> None:
    started = time.perf_counter()
    plan = [planned(n, "", (n - 1,) if n > 1 else ()) for n in range(1, 2001)]
    check_plan(plan)
    assert len(ancestors(2000, plan)) == 1999
    assert circle({n: {(n % 2000) + 1} for n in range(1, 2001)}) == list(range(1, 2001))
    assert time.perf_counter() - started < 2
