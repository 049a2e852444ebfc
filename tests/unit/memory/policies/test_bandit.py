"""The slate bandit: its update against numbers worked by hand, replay, state, cold start, exact propensities."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from configs.errors import InvalidInputError
from memory.case import Case, Reward
from memory.episode import Episode, Shown
from memory.features import CONTEXT, FEATURES, Match, describe
from memory.policies.bandit import SlateBandit
from memory.policies.bandit_prior import BanditPrior
from memory.policies.base import Candidate, PolicyOptions, Query

NOW = 1e9
PLAIN = BanditPrior(means={}, variances={"context.one": 4.0}, other=1.0, case_variance=1.0, forgetting=1.0)
ONLY_CONSTANT = (1.0, *[0.0] * (len(CONTEXT) - 1))


def bandit(prior: BanditPrior | None = None, seed: int = 7) -> SlateBandit:
    return SlateBandit(PolicyOptions(seed=seed), prior)


def case(reward: Reward | None, number: int = 0) -> Case:
    return Case(id=f"done {number}", task=f"task {number}", plan=(), reward=reward)


def features(**values: float) -> tuple[float, ...]:
    return tuple(values.get(name, 0.0) for name in FEATURES)


def episode(*shown: Shown) -> Episode:
    return Episode(policy="bandit", k=4, context=ONLY_CONSTANT, slate=shown)


def weight(policy: SlateBandit, name: str) -> float:
    columns = [*(f"context.{one}" for one in CONTEXT), *FEATURES]
    return float(policy.state_dict()["theta"][columns.index(name)])


def random_candidates(count: int, seed: int, width: int = 16) -> list[Candidate]:
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        vector = rng.standard_normal(width).astype(np.float32)
        cosine, reward = float(rng.uniform(0, 1)), int(rng.random() < 0.6)
        found.append(Match(f"{number:02}", 1 if reward else 0, NOW - 100.0 * number, cosine, float(rng.uniform(0, 9)),
                           vector=vector / np.linalg.norm(vector)))  # fmt: skip
    return describe(found, count, NOW).candidates


def lived(policy: SlateBandit, episodes: int) -> list[tuple[Case, Episode]]:
    """Choose and learn, and keep what the journal would."""
    rng = np.random.default_rng(3)
    log = []
    for number in range(episodes):
        candidates = random_candidates(20, number % 5)
        picks = policy.select(Query(f"task {number}"), candidates, 4)
        by_id = {one.case_id: one.features for one in candidates}
        slate = tuple(Shown(case_id=p.case_id, score=p.score, propensity=p.propensity, features=by_id[p.case_id])
                      for p in picks)  # fmt: skip
        done = case(None if number % 9 == 8 else 1 if rng.random() < 0.5 else 0, number)
        context = tuple(np.round(rng.uniform(-0.5, 0.5, len(CONTEXT)), 6).tolist())
        log.append((done, Episode(policy="bandit", k=4, context=context, slate=slate)))
        policy.update(*log[-1])
    return log


def test_one_case_is_credited_as_worked_by_hand() -> None:
    policy = bandit(PLAIN)
    policy.update(case(1), episode(Shown(case_id="a", features=features(one=1.0))))
    # p = 1/2, h = 1/4, D = 4 + 4 + 1 + 1 = 10, e = (1 - 1/2) * 4 = 2, e/D = 0.2
    assert weight(policy, "context.one") == pytest.approx(4 * 0.2)
    assert weight(policy, "one") == pytest.approx(0.2)
    assert policy.worth("a") == pytest.approx((0.2, math.sqrt(1 - 1 / 10)))
    assert policy.worth("never shown") == (0.0, 1.0)


def test_two_cases_share_the_credit_as_worked_by_hand() -> None:
    policy = bandit(PLAIN)
    policy.update(case(0), episode(Shown(case_id="a", features=features(cosine=1.0)),
                                   Shown(case_id="b", features=features(cosine=0.5))))  # fmt: skip
    # κ = 1/2, z = (1, 0.75), D = 4 + 4 + 0.5625 + 2/4, e = -2
    step = -2 / (4 + 4 + 0.5625 + 0.5)
    assert weight(policy, "context.one") == pytest.approx(4 * step)
    assert weight(policy, "cosine") == pytest.approx(0.75 * step)
    assert policy.worth("a")[0] == policy.worth("b")[0] == pytest.approx(0.5 * step)
    sigma = np.array(policy.state_dict()["sigma"])
    sz = np.array([4.0, 0.75])
    places = np.ix_(*[[0, len(CONTEXT) + FEATURES.index("cosine")]] * 2)
    assert sigma[places] == pytest.approx(np.diag([4.0, 1.0]) - np.outer(sz, sz) / (4 + 4 + 0.5625 + 0.5))


def test_empty_slate_teaches_only_how_hard_tasks_are() -> None:
    policy = bandit(PLAIN)
    policy.update(case(1), episode())
    assert weight(policy, "context.one") == pytest.approx(4 * 2 / 8)
    assert [weight(policy, name) for name in FEATURES] == [0.0] * len(FEATURES)


def test_certainty_never_makes_a_step_explode() -> None:
    policy = bandit(replace(PLAIN, means={"context.one": 40.0}))
    policy.update(case(0), episode())
    assert weight(policy, "context.one") == pytest.approx(40 - 4 * (1 / 0.02) / (1 / 0.02 + 4), rel=1e-6)


def test_forgetting_grows_uncertainty_but_never_past_the_prior() -> None:
    policy = bandit(replace(PLAIN, forgetting=0.9))
    policy.update(case(1), episode(Shown(case_id="a", features=features(one=1.0))))
    known = policy.worth("a")[1]
    for _ in range(50):
        policy.update(case(1), episode())
    assert known < policy.worth("a")[1] <= 1.0
    assert (np.diag(policy.state_dict()["sigma"]) <= policy.prior.variance() + 1e-12).all()


def test_no_reward_teaches_nothing() -> None:
    policy = bandit()
    before = json.dumps(policy.state_dict())
    policy.update(case(None), episode(Shown(case_id="a", features=features(one=1.0))))
    policy.update(case(1), Episode(policy="cosine", slate=(Shown(case_id="a"),)))
    assert json.dumps(policy.state_dict()) == before


def test_replaying_the_journal_gives_the_same_state_bit_for_bit() -> None:
    policy, again = bandit(), bandit()
    for done, record in lived(policy, 80):
        again.update(Case.model_validate_json(done.model_dump_json()),
                     Episode.model_validate_json(record.model_dump_json()))  # fmt: skip
    assert json.dumps(again.state_dict()) == json.dumps(policy.state_dict())


def test_state_round_trip_goes_on_alike() -> None:
    policy, restored = bandit(), bandit()
    lived(policy, 30)
    restored.load_state_dict(json.loads(json.dumps(policy.state_dict())))
    candidates = random_candidates(20, 1)
    assert restored.select(Query("next"), candidates, 4) == policy.select(Query("next"), candidates, 4)
    lived(policy, 10)
    lived(restored, 10)
    assert restored.state_dict() == policy.state_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"policy": "soft-q"},
        {"version": 0},
        {"columns": ["another"]},
        {"theta": [1.0]},
        {"sigma": None},
        {"cases": {"a": [1.0]}},
        {"theta": [math.nan] * (len(CONTEXT) + len(FEATURES))},
        {"sigma": []},
    ],
)
def test_foreign_or_damaged_state_is_refused_and_changes_nothing(change: dict[str, Any]) -> None:
    policy = bandit()
    lived(policy, 5)
    before = json.dumps(policy.state_dict())
    with pytest.raises(InvalidInputError, match="bandit"):
        policy.load_state_dict(policy.state_dict() | change)
    assert json.dumps(policy.state_dict()) == before


def test_cold_start_ranks_as_cosine_success() -> None:
    for seed in range(5):
        candidates = random_candidates(40, seed)
        values = dict(zip([one.case_id for one in candidates], bandit().values(candidates), strict=True))
        successes = sorted((one for one in candidates if one.reward == 1), key=lambda one: -(one.cosine or 0))
        assert all(values[near.case_id] > values[far.case_id] for near, far in pairwise(successes))
        assert max(values[one.case_id] for one in candidates if one.reward == 0) < min(
            values[one.case_id] for one in successes
        )
        cold = bandit(replace(BanditPrior(), temperature=1e-4, failures=0, redundancy=0.0))
        assert [p.case_id for p in cold.select(Query("t"), candidates, 4)] == [one.case_id for one in successes[:4]]


def test_order_of_candidates_does_not_matter() -> None:
    candidates = random_candidates(30, 2)
    policy = bandit()
    assert policy.select(Query("t"), candidates, 4) == policy.select(Query("t"), candidates[::-1], 4)


def test_what_hurts_is_shown_less_and_what_helps_more() -> None:
    policy = bandit()
    same = [Match(id_, 1, NOW, 0.7) for id_ in ("good", "bad")]
    candidates = describe(same, 2, NOW).candidates
    for number in range(30):
        for id_, reward in (("good", 1), ("bad", 0)):
            policy.update(
                case(1 if reward else 0, number), episode(Shown(case_id=id_, features=candidates[0].features))
            )
    assert policy.worth("good")[0] > 0.2 > -0.2 > policy.worth("bad")[0]
    firsts = Counter(policy.select(Query(f"{number}"), candidates, 1)[0].case_id for number in range(100))
    assert firsts["good"] > 95


def test_propensities_are_the_frequencies() -> None:
    """Slates of two among six cases, drawn 6,000 times: each sequence as often as its propensities say."""
    matches = [Match(f"{n}", 1 if n < 4 else 0, NOW, 0.5 + 0.01 * n) for n in range(6)]
    candidates = describe(matches, 6, NOW).candidates
    policy = bandit(replace(BanditPrior(), temperature=0.1, variances={"outcome": 5.0, "cosine_failure": 5.0}))
    seen: Counter[tuple[str, ...]] = Counter()
    told: dict[tuple[str, ...], float] = {}
    draws = 6000
    for number in range(draws):
        picks = policy.select(Query(f"task {number}"), candidates, 2)
        slate = tuple(pick.case_id for pick in picks)
        seen[slate] += 1
        told[slate] = math.prod(pick.propensity for pick in picks)
    assert sum(told.values()) == pytest.approx(1, abs=0.01)
    assert any("4" in slate or "5" in slate for slate in seen), "no failure was ever tried"
    for slate, probability in told.items():
        spread = math.sqrt(probability * (1 - probability) / draws)
        assert abs(seen[slate] / draws - probability) < 5 * spread + 1e-4, slate
