"""The soft Q policy: exact propensities, repeatable choices, what it learns, and its state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.errors import InvalidInputError
from memory.case import Case, Reward
from memory.episode import Episode, Shown, pack
from memory.policies.base import Candidate, PolicyOptions, Query
from memory.policies.registry import make_policy
from memory.policies.soft_q import SoftQ
from memory.soft_q_learning import SoftQOptions, soft_policy

SEED = 7
DIMENSION = 384
CANDIDATES = [Candidate(f"case {n}", 1 if n % 3 else 0, float(n), 0.95 - n / 10) for n in range(9)]


def policy(alpha: float = SoftQOptions().alpha, seed: int = SEED) -> SoftQ:
    return SoftQ(PolicyOptions(seed=seed), replace(SoftQOptions(), alpha=alpha))


def vectors(count: int, seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def ended(reward: Reward | None) -> Case:
    return Case(id="new", task="a task", plan=(), reward=reward)


def episode(vector: NDArray[np.float32] | None, *shown: str) -> Episode:
    slate = tuple(Shown(case_id=one) for one in shown)
    return Episode(policy="soft-q", vector="" if vector is None else pack(vector), slate=slate)


def trained(updates: int, seed: int = SEED, dimension: int = 8) -> SoftQ:
    learner, rng = policy(seed=seed), np.random.default_rng(5)
    for vector in vectors(updates, dimension=dimension):
        shown = [CANDIDATES[place].case_id for place in rng.choice(9, 3, replace=False)]
        learner.update(ended(1 if rng.random() < 0.5 else 0), episode(vector, *shown))
    return learner


def test_registry_makes_it_with_the_seed() -> None:
    made = make_policy("soft-q", PolicyOptions(seed=SEED))
    assert (made.name, made.pool, made.records_vector) == ("soft-q", "nearest", True)
    assert made.state_dict() == policy().state_dict()


def test_propensities_are_the_frequencies_of_ordered_draws() -> None:
    learner, draws = policy(alpha=0.5), 4000
    slates = [learner.select(Query(f"task {n}"), CANDIDATES[:4], 2) for n in range(draws)]
    counts = Counter(tuple(pick.case_id for pick in slate) for slate in slates)
    chances = {tuple(pick.case_id for pick in slate): slate[0].propensity * slate[1].propensity for slate in slates}
    assert len(chances) == 12
    assert sum(chances.values()) == pytest.approx(1.0)
    for pair, chance in chances.items():
        assert abs(counts[pair] - draws * chance) < 4.5 * np.sqrt(draws * chance * (1 - chance)), pair


def test_first_propensity_is_the_softmax_of_the_scores() -> None:
    learner = trained(20)
    picks = learner.select(Query("a task", vectors(1, 1, 8)[0]), CANDIDATES, 9)
    chances = soft_policy(np.array([pick.score for pick in picks]), SoftQOptions().alpha)
    left = 1.0
    for pick, chance in zip(picks, chances, strict=True):
        assert pick.propensity == pytest.approx(chance / left, rel=1e-9)
        left -= chance
        if left < 1e-6:
            break
    assert picks[-1].propensity == 1.0
    assert all(0 <= pick.propensity <= 1 for pick in picks)


def test_cold_start_shows_near_successes_first() -> None:
    firsts = Counter(policy().select(Query(f"task {n}"), CANDIDATES, 1)[0].case_id for n in range(200))
    assert firsts["case 1"] == firsts.most_common(1)[0][1] > 100, "case 0 is nearer, but a failure"
    assert firsts["case 0"] == 0


def test_choice_is_pure_and_depends_on_seed_task_and_updates() -> None:
    alike = [Candidate(f"{n}", 1, 0.0, 0.5) for n in range(20)]

    def ids(learner: SoftQ, task: str = "a task") -> list[str]:
        return [pick.case_id for pick in learner.select(Query(task, vectors(1)[0]), alike, 4)]

    learner = policy()
    before, drawn = learner.state_dict(), ids(learner)
    assert ids(learner) == drawn
    assert learner.state_dict() == before
    assert ids(policy(seed=SEED + 1)) != drawn
    assert ids(learner, "another task") != drawn
    learner.update(ended(1), episode(vectors(1, 3)[0], "elsewhere"))
    assert ids(learner) != drawn


def test_order_of_candidates_does_not_matter() -> None:
    learner, asked = trained(20), Query("a task", vectors(1, 1, 8)[0])
    assert learner.select(asked, CANDIDATES[::-1], 4) == learner.select(asked, CANDIDATES, 4)


def test_learns_for_each_case_of_the_slate_what_became_of_tasks_like_this() -> None:
    learner, (here, elsewhere) = policy(), vectors(2)
    for _ in range(4):
        learner.update(ended(0), episode(here, "case 1", "case 2"))
        learner.update(ended(1), episode(here, "case 5"))

    def scores(vector: NDArray[np.float32]) -> dict[str, float]:
        return {pick.case_id: pick.score for pick in learner.select(Query("t", vector), CANDIDATES, 9)}

    known, unknown = scores(here), scores(elsewhere)
    assert known["case 5"] > 0.8 > 0.3 > max(known["case 1"], known["case 2"])
    assert unknown["case 1"] > 0.7, "far from what happened, a near success is as good as before"


@pytest.mark.parametrize(
    ("reward", "seen"),
    [(None, episode(vectors(1)[0], "case 1")), (1, episode(None, "case 1")), (1, episode(vectors(1)[0]))],
    ids=["nobody could tell", "no vector", "nothing shown"],
)
def test_nothing_to_learn(reward: Reward | None, seen: Episode) -> None:
    learner = trained(3)
    before = learner.state_dict()
    learner.update(ended(reward), seen)
    assert learner.state_dict() == before


@pytest.mark.parametrize("vector", ["AAA", "AA==", pack(np.array([np.nan, 1], dtype=np.float32))])
def test_damaged_vector_is_refused_and_changes_nothing(vector: str) -> None:
    learner = trained(3)
    before = learner.state_dict()
    with pytest.raises(InvalidInputError, match="vector"):
        learner.update(ended(1), Episode(vector=vector, slate=(Shown(case_id="case 1"),)))
    assert learner.state_dict() == before


def test_replay_gives_the_same_state_bit_for_bit() -> None:
    assert json.dumps(trained(60).state_dict()) == json.dumps(trained(60).state_dict())
    assert trained(60).state_dict() != trained(59).state_dict()


def test_state_round_trip_is_exact_and_goes_on_alike() -> None:
    learner, restored = trained(40), policy(seed=SEED + 1)
    restored.load_state_dict(json.loads(json.dumps(learner.state_dict())))
    assert json.dumps(restored.state_dict()) == json.dumps(learner.state_dict())
    for number, vector in enumerate(vectors(10, 2, 8)):
        asked = Query(f"task {number}", vector)
        slate = learner.select(asked, CANDIDATES, 4)
        assert restored.select(asked, CANDIDATES, 4) == slate
        for one in (learner, restored):
            one.update(ended(1), episode(vector, *(pick.case_id for pick in slate)))
    assert json.dumps(restored.state_dict()) == json.dumps(learner.state_dict())


def table(state: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = state["learned"]["table"]
    return found


def first_case(state: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = table(state)["cases"]["case 1"]
    return found


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another policy": lambda state: state.update(policy="bandit"),
    "another version": lambda state: state.update(version=2),
    "no version": lambda state: state.pop("version"),
    "lacks a part": lambda state: state.pop("learned"),
    "has a part too many": lambda state: state.update(extra=1),
    "negative updates": lambda state: state.update(updates=-1),
    "updates as text": lambda state: state.update(updates="3"),
    "not a number": lambda state: state["learned"].update(average=float("nan")),
    "bandwidth out of bounds": lambda state: state["learned"].update(log_bandwidth=9.0),
    "vectors cut off": lambda state: table(state).update(states=table(state)["states"][:-4]),
    "vectors no base64": lambda state: table(state).update(states="?"),
    "vectors not finite": lambda state: table(state).update(states=pack(np.full(40 * 8, np.nan, dtype=np.float32))),
    "another dimension": lambda state: table(state).update(dimension=7),
    "no dimension": lambda state: table(state).update(dimension=0),
    "unknown task": lambda state: first_case(state)["numbers"].__setitem__(-1, 99),
    "task out of order": lambda state: first_case(state)["numbers"].reverse(),
    "a value missing": lambda state: first_case(state)["values"].pop(),
    "counts nothing": lambda state: first_case(state)["counts"].__setitem__(0, 0),
    "counts too much": lambda state: first_case(state)["counts"].__setitem__(0, 1000),
    "value infinite": lambda state: first_case(state)["values"].__setitem__(0, float("inf")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged_state_is_refused_and_changes_nothing(damage: Callable[[dict[str, Any]], object]) -> None:
    learner, state = trained(5), trained(40).state_dict()
    before = learner.state_dict()
    damage(state)
    with pytest.raises(InvalidInputError, match="soft-q"):
        learner.load_state_dict(state)
    assert learner.state_dict() == before


def test_learning_and_choosing_stay_fast() -> None:
    """Bounds over twenty times what an idle core takes, for slow and busy ones."""
    learner, rng, taken = policy(), np.random.default_rng(1), []
    candidates = [Candidate(f"{n}", 1, 0.0, 0.5) for n in range(128)]
    for vector in vectors(1500):
        seen = episode(vector, *(f"{n}" for n in rng.choice(128, 4, replace=False)))
        start = perf_counter()
        learner.update(ended(1), seen)
        taken.append(perf_counter() - start)
    assert np.median(taken) < 0.01
    taken = []
    for vector in vectors(20, 1):
        start = perf_counter()
        assert len(learner.select(Query("a task", vector), candidates, 4)) == 4
        taken.append(perf_counter() - start)
    assert np.median(taken) < 0.05
