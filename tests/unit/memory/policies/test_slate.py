"""The rules of the slate."""

from __future__ import annotations

import numpy as np
import pytest

from memory.case import Reward
from memory.policies.base import Candidate, Pick
from memory.policies.slate import Contest, SlateRules, choose_slate, never

RULES = SlateRules(redundancy=0.3, alike=0.5, same=0.95, least=-0.3, failures=1, temperature=1e-3)


def candidate(id_: str, angle: float | None = None, reward: Reward = 1) -> Candidate:
    vector = None if angle is None else np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
    return Candidate(id_, reward, 0.0, 0.5, vector=vector)


def chosen(
    candidates: list[Candidate], values: list[float], k: int = 4, rules: SlateRules = RULES, contest: Contest = never
) -> list[Pick]:
    return choose_slate(candidates, np.array(values, dtype=float), k, rules, np.random.default_rng(0), contest)


def ids(picks: list[Pick]) -> list[str]:
    return [pick.case_id for pick in picks]


def test_the_best_come_first_and_k_bounds_them() -> None:
    cases = [candidate(id_) for id_ in "abc"]
    assert ids(chosen(cases, [1, 3, 2], 2)) == ["b", "c"]
    assert chosen(cases, [1, 3, 2], 0) == []


def test_nothing_worth_showing_gives_an_empty_slate() -> None:
    assert chosen([], []) == []
    assert chosen([candidate("a"), candidate("b")], [-0.31, -5]) == []
    assert ids(chosen([candidate("a"), candidate("b")], [-0.29, -5])) == ["a"]


def test_of_near_duplicates_one_is_shown() -> None:
    cases = [candidate("a", 0.0), candidate("b", 0.1), candidate("c", 1.5)]
    assert ids(chosen(cases, [3, 2.9, 1])) == ["a", "c"]


def test_likeness_to_a_chosen_case_costs() -> None:
    cases = [candidate("a", 0.0), candidate("alike", 0.5), candidate("other", 2.0)]
    picks = chosen(cases, [3.0, 1.0, 0.95])
    assert ids(picks) == ["a", "other", "alike"]
    assert picks[2].score == pytest.approx(1.0 - 0.3 * (np.cos(0.5) - 0.5), abs=1e-6)


def test_a_failure_does_not_repeat_a_success_of_the_same_task() -> None:
    cases = [candidate("right", 0.0), candidate("wrong", 0.0, reward=0)]
    assert ids(chosen(cases, [3, 1])) == ["right", "wrong"]


def test_one_failure_at_most_and_after_the_successes() -> None:
    cases = [candidate("f1", reward=0), candidate("f2", reward=0), candidate("s")]
    assert ids(chosen(cases, [9, 8, 1])) == ["s", "f1"]
    none = SlateRules(0.3, 0.5, 0.95, -0.3, 0, 1e-3)
    assert ids(chosen(cases, [9, 8, 1], rules=none)) == ["s"]


@pytest.mark.parametrize(("chance", "last"), [(0.0, "s2"), (1.0, "f")])
def test_the_last_place_is_contested(chance: float, last: str) -> None:
    cases = [candidate("f", reward=0), candidate("s1"), candidate("s2")]
    asked: list[tuple[int, int]] = []

    def contest(failure: int, success: int) -> float:
        asked.append((failure, success))
        return chance

    picks = chosen(cases, [0.0, 5.0, 4.0], 2, contest=contest)
    assert ids(picks) == ["s1", last]
    assert asked == [(0, 2)]
    assert picks[1].propensity == pytest.approx(1.0)


def test_unknown_vectors_make_no_case_a_duplicate() -> None:
    assert ids(chosen([candidate("a"), candidate("b")], [2, 1])) == ["a", "b"]
