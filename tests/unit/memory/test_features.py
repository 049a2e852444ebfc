"""What learning policies see: bounded, the same in any order, and ranked as documented."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from memory.case import Reward
from memory.features import CONTEXT, DAY, FAILURES, FEATURES, RANK_OFFSET, SUCCESSES, Match, describe
from memory.policies.base import Candidate

NOW = 1e9


def matches(count: int, seed: int = 0) -> list[Match]:
    rng = np.random.default_rng(seed)
    return [
        Match(
            f"{number:03}",
            1 if rng.random() < 0.5 else 0,
            NOW - float(rng.random()) * 1000 * DAY,
            float(rng.uniform(-1, 1)),
            float(rng.choice([0.0, rng.uniform(0, 40)])),
            float(rng.random()),
            int(rng.integers(0, 500)),
            int(rng.integers(1, 40)),
        )
        for number in range(count)
    ]


def column(candidate: Candidate, name: str) -> float:
    return candidate.features[FEATURES.index(name)]


def test_everything_stays_within_small_bounds() -> None:
    for seed in range(5):
        described = describe(matches(120, seed), 10_000_000, NOW)
        assert len(described.context) == len(CONTEXT)
        rows = np.array([one.features for one in described.candidates])
        assert rows.shape[1] == len(FEATURES)
        assert np.isfinite(rows).all() and np.isfinite(described.context).all()
        assert np.abs(rows).max() <= 3
        assert np.abs(described.context).max() <= 4


def test_order_of_the_matches_does_not_matter() -> None:
    found = matches(90)
    shuffled = random.Random(1).sample(found, len(found))
    assert describe(found, 90, NOW) == describe(shuffled, 90, NOW)


def test_equal_matches_keep_the_order_of_their_ids() -> None:
    same = [Match(id_, 1, NOW, 0.5, 1.0) for id_ in ("c", "a", "b")]
    assert [one.case_id for one in describe(same, 3, NOW).candidates] == ["a", "b", "c"]


def test_fused_rank_is_reciprocal_rank_fusion() -> None:
    found = [Match("near", 1, NOW, 0.9, 0.0), Match("both", 1, NOW, 0.5, 7.0), Match("far", 0, NOW, 0.1, 3.5)]
    candidates = {one.case_id: one for one in describe(found, 3, NOW).candidates}
    scale = (RANK_OFFSET + 1) / 2
    assert column(candidates["near"], "fused") == pytest.approx(scale / (RANK_OFFSET + 1), abs=1e-6)
    assert column(candidates["both"], "fused") == pytest.approx(
        scale * (1 / (RANK_OFFSET + 2) + 1 / (RANK_OFFSET + 1)), abs=1e-6
    )
    assert [one.lexical for one in candidates.values()] == [1.0, 0.5, 0.0]
    assert list(candidates) == ["both", "far", "near"]


@pytest.mark.parametrize(("reward", "most"), [(1, SUCCESSES), (0, FAILURES)])
def test_best_of_either_outcome_are_kept(reward: Reward, most: int) -> None:
    found = [Match(f"{number:03}", reward, NOW, 1 - number / 100) for number in range(80)]
    assert [one.case_id for one in describe(found, 80, NOW).candidates] == [f"{number:03}" for number in range(most)]


def test_features_say_what_they_are_named_for() -> None:
    old = Match("a", 0, NOW - 3 * DAY, 0.5, 2.0, trust=0.4, uses=2, plan_length=7)
    candidates = {one.case_id: one for one in describe([old, Match("b", 1, NOW, 0.75)], 2, NOW).candidates}
    failure, success = candidates["a"], candidates["b"]
    assert (column(failure, "outcome"), column(success, "outcome")) == (-1, 1)
    assert (column(failure, "cosine_failure"), column(success, "cosine_failure")) == (0.5, 0)
    assert (column(failure, "cosine_success"), column(success, "cosine_success")) == (0, 0.75)
    assert (column(failure, "gap"), column(success, "gap")) == (0.25, 0)
    assert (column(failure, "trust"), column(failure, "trust_success")) == (0.4, 0)
    assert column(failure, "age") == pytest.approx(np.log(4) / 5, abs=1e-6)
    assert column(failure, "uses") == pytest.approx(np.log(3) / 3, abs=1e-6)
    assert column(failure, "plan_length") == pytest.approx(1.4)


def test_context_tells_how_the_nearest_cases_ended() -> None:
    good = [Match(f"{number}", 1, NOW, 0.8) for number in range(9)]
    bad = [replace(one, reward=0) for one in good]
    rate = CONTEXT.index("near_success_rate")
    assert describe(good, 9, NOW).context[rate] > 0.3
    assert describe(bad, 9, NOW).context[rate] < -0.3
    assert describe([], 0, NOW).context[rate] == 0


def test_nothing_found_is_described_too() -> None:
    described = describe([], 0, NOW)
    assert described.candidates == []
    assert described.context == (1.0, 0.0, 0.0, 0.0, 0.0)
