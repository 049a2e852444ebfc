"""The cap on untrusted cases: a narrower choice, never an empty one for want of trusted cases."""

from __future__ import annotations

import pytest

from memory.guard import cap, within_cap
from memory.policies.base import Candidate


def candidates(trusted: dict[str, float], doubtful: dict[str, float]) -> list[Candidate]:
    return [
        Candidate(id_, 1, 0.0, cosine, trusted=id_ in trusted)
        for id_, cosine in sorted({**trusted, **doubtful}.items())
    ]


def kept(trusted: dict[str, float], doubtful: dict[str, float], k: int = 4) -> set[str]:
    return {one.case_id for one in within_cap(candidates(trusted, doubtful), k)}


FORGED = {"f1": 0.9, "f2": 0.89, "f3": 0.88, "f4": 0.87, "f5": 0.86}


@pytest.mark.parametrize(("k", "slots"), [(1, 1), (4, 1), (7, 1), (8, 2), (64, 16)])
def test_a_quarter_of_the_slots_and_at_least_one(k: int, slots: int) -> None:
    assert cap(k) == slots


def test_the_nearest_doubtful_one_stays_where_trusted_ones_are_as_near() -> None:
    own = {"a": 0.7, "b": 0.65, "c": 0.6}
    assert kept(own, FORGED) == {*own, "f1"}


def test_a_slot_without_a_trusted_one_about_as_near_is_open_to_doubtful_ones() -> None:
    far = {"a": 0.7, "b": 0.2, "c": 0.1}
    assert kept(far, FORGED) == {*far, "f1", "f2", "f3"}


def test_without_any_trusted_one_about_as_near_nothing_is_taken_away() -> None:
    assert kept({}, FORGED) == set(FORGED)
    assert kept({"a": 0.1}, FORGED) == {"a", *FORGED}


def test_of_those_not_compared_the_newest_doubtful_one_stays() -> None:
    some = [Candidate(f"{at}", 1, float(at), trusted=at < 3) for at in range(8)]
    assert {one.case_id for one in within_cap(some, 4)} == {"0", "1", "2", "7"}
