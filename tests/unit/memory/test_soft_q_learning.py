"""Soft Q-learning against problems worked by hand: the equations, the kernel table, the fixed point."""

from __future__ import annotations

from dataclasses import replace
from math import cos, exp, log, sin, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from configs.errors import InvalidInputError
from memory.case import Reward
from memory.kernel_table import CaseState, Interactions, KernelTable
from memory.policies.base import Candidate
from memory.soft_q_learning import (
    Following,
    KernelQ,
    SoftQOptions,
    Transition,
    kernel_estimate,
    soft_policy,
    soft_value,
    td_target,
)

OPTIONS = SoftQOptions()
HERE = np.array([1, 0], dtype=np.float32)
THERE = -HERE


def at(angle: float) -> NDArray[np.float32]:
    return np.array([cos(angle), sin(angle)], dtype=np.float32)


def option(case_id: str, reward: Reward = 1, cosine: float | None = None) -> Candidate:
    return Candidate(case_id, reward, 0.0, cosine)


def test_target_has_the_temperature_inside_the_exponential() -> None:
    # α = 1/2, Q(s',·) = (α log 3, 0), so that exp(Q/α) = (3, 1): V(s') = α log 4, and μ* = (3/4, 1/4).
    # By the definition of V: 3/4 (α log 3 - α log 3/4) + 1/4 (0 - α log 1/4) = 3/4 α log 4 + 1/4 α log 4 = α log 4.
    # As published, without 1/α, it would be α log(e^{α log 3} + e^0) = α log(√3 + 1).
    alpha, gamma, reward = 0.5, 0.8, 0.3
    q = np.array([alpha * log(3), 0.0])
    chances = soft_policy(q, alpha)
    assert chances == pytest.approx([3 / 4, 1 / 4], abs=1e-15)
    assert soft_value(q, alpha) == pytest.approx(float(chances @ (q - alpha * np.log(chances))), abs=1e-15)
    assert td_target(reward, q, alpha, gamma) == pytest.approx(reward + gamma * alpha * log(4), abs=1e-15)
    published = reward + gamma * alpha * log(sqrt(3) + 1)
    assert abs(td_target(reward, q, alpha, gamma) - published) > 0.1
    same_at_one = reward + gamma * float(np.log(np.exp(q).sum()))
    assert td_target(reward, q, 1.0, gamma) == pytest.approx(same_at_one, abs=1e-15)
    assert td_target(reward, None, alpha, gamma) == reward


def test_small_temperature_neither_overflows_nor_loses_the_best() -> None:
    q = np.array([1000.0, 0.0])
    assert soft_value(q, 1e-3) == 1000.0
    assert soft_policy(q, 1e-3).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_td_finds_the_soft_optimal_policy_of_a_two_state_problem(alpha: float) -> None:
    # s1 -a-> s2 with r = α log 3;  s1 -b-> s1 with r = 0;  s2 -a-> s1 with r = 0;  s2 -b-> end with r = 0;  γ = 1/2.
    # With y = exp(V/2α), V = α log Σ exp(Q/α) and Q = r + V'/2 say  y1² = 3 y2 + y1  and  y2² = y1 + 1,
    # solved by y1 = 3, y2 = 2:  V1 = α log 9, V2 = α log 4,
    # Q(s1,a) = α log 3 + α log 2 = α log 6,  Q(s1,b) = α log 3,  Q(s2,a) = α log 3,  Q(s2,b) = 0,
    # μ(·|s1) = (6, 3)/9 = (2/3, 1/3),  μ(·|s2) = (3, 1)/4.
    # The two states are opposite vectors: the kernel between them is exp(-2/0.04) = 2e-22.
    options = SoftQOptions(
        alpha=alpha, gamma=0.5, bandwidth=0.04, bandwidth_rate=0.0, prior=0.0, prior_weight=0.0, longest=4
    )
    learner, cases = KernelQ(options), (option("a"), option("b"))
    steps = [
        Transition(HERE, "a", alpha * log(3), Following(THERE, cases)),
        Transition(HERE, "b", 0.0, Following(HERE, cases)),
        Transition(THERE, "a", 0.0, Following(HERE, cases)),
        Transition(THERE, "b", 0.0),
    ]
    for _ in range(300):
        errors = [learner.learn(step) for step in steps]
    assert np.abs(errors).max() < 1e-12
    first, second = learner.values(HERE, cases), learner.values(THERE, cases)
    assert first == pytest.approx([alpha * log(6), alpha * log(3)], abs=1e-11)
    assert second == pytest.approx([alpha * log(3), 0.0], abs=1e-11)
    assert [soft_value(first, alpha), soft_value(second, alpha)] == pytest.approx([alpha * log(9), alpha * log(4)])
    assert soft_policy(first, alpha) == pytest.approx([2 / 3, 1 / 3], abs=1e-11)
    assert soft_policy(second, alpha) == pytest.approx([3 / 4, 1 / 4], abs=1e-11)


def test_kernel_estimate_worked_by_hand() -> None:
    # h = 1/2. The first interaction: cosine 1, kernel 1, value 1. The second: cosine 1 - h log 2, kernel 1/2, value 0,
    # two observations, so weight 1. The third place is empty. Prior 1/2 with weight 1/2:
    # Q = (1/4 + 1 + 0) / (1/2 + 1 + 1) = 1/2,  dQ/dlog h = [1·0·(1 - 1/2) + 1·log 2·(0 - 1/2)] / (5/2) = -log(2)/5.
    h = 0.5
    cosines = np.array([[1.0, 1 - h * log(2), 1.0]])
    found = Interactions(cosines, np.array([[1.0, 0.0, 9.0]]), np.array([[1.0, 2.0, 0.0]]))
    estimate = kernel_estimate(found, h, 0.5, 0.5)
    assert estimate.value == pytest.approx([0.5], abs=1e-15)
    assert estimate.slope == pytest.approx([-log(2) / 5], abs=1e-15)
    step = 1e-6
    wider, narrower = (kernel_estimate(found, h * exp(sign * step), 0.5, 0.5).value for sign in (1, -1))
    assert (wider - narrower) / (2 * step) == pytest.approx(estimate.slope, rel=1e-6)
    nothing = replace(found, counts=np.zeros((1, 3)))
    assert kernel_estimate(nothing, h, 0.25, 0.0).value.tolist() == [0.25]


def test_estimate_from_recorded_interactions() -> None:
    # Angles 0 and π/3 to the state asked about: cosines 1 and 1/2, kernels 1 and exp(-1) at h = 1/2.
    # Targets 1 and 0 with average target (8·½ + 1 + 0)/10 = 1/2, weight 0.2: Q = (0.1 + 1) / (0.2 + 1 + e⁻¹).
    learner = KernelQ(SoftQOptions(bandwidth=0.5, bandwidth_rate=0.0))
    learner.learn(Transition(at(0), "c", 1.0))
    learner.learn(Transition(at(np.pi / 3), "c", 0.0))
    q = learner.values(at(0), [option("c"), option("never shown")])
    assert q == pytest.approx([1.1 / (1.2 + exp(-1)), 0.5], abs=1e-3), "to float16 precision of the vectors"


def test_before_learning_near_successes_come_first_and_near_failures_last() -> None:
    # Q0 = (0.2·0.5 + k·r) / (0.2 + k): k = exp((0.85 - 1)/0.15) = e⁻¹ for the near ones.
    cases = [option("near-", 0, 0.85), option("far+", 1, 0.1), option("near+", 1, 0.85), option("far-", 0, 0.1)]
    q = KernelQ(OPTIONS).values(None, cases)
    assert [cases[place].case_id for place in np.argsort(-q)] == ["near+", "far+", "far-", "near-"]
    assert q[2] == pytest.approx((0.1 + exp(-1)) / (0.2 + exp(-1)))
    assert q[0] == pytest.approx(0.1 / (0.2 + exp(-1)))


def test_outcomes_of_showing_a_case_overrule_its_own() -> None:
    learner = KernelQ(OPTIONS)
    for _ in range(5):
        learner.learn(Transition(HERE, "lucky", 0.0))
        learner.learn(Transition(HERE, "failed", 1.0))
    lucky, failed = learner.values(HERE, [option("lucky", 1, 0.9), option("failed", 0, 0.9)])
    assert failed > 0.7 > 0.3 > lucky


@pytest.mark.parametrize(("target", "wider"), [(1.0, True), (0.0, False)])
def test_bandwidth_follows_the_gradient_and_stays_in_bounds(target: float, wider: bool) -> None:
    # What happened at one state holds at one nearby (widen) or does not (narrow).
    learner = KernelQ(OPTIONS)
    learner.learn(Transition(at(0), "c", 1.0))
    error = learner.learn(Transition(at(0.5), "c", target))
    assert (error > 0) == wider
    assert (learner.bandwidth > OPTIONS.bandwidth) == wider
    fast = KernelQ(replace(OPTIONS, bandwidth_rate=1e6))
    fast.learn(Transition(at(0), "c", 1.0))
    fast.learn(Transition(at(0.5), "c", target))
    assert fast.bandwidth == pytest.approx(OPTIONS.widest if wider else OPTIONS.narrowest)


def test_one_gradient_step_worked_by_hand() -> None:
    # One interaction of value 1 at cosine ½; h = ½, so k = e⁻¹ and (1 - cos)/h = 1; average target (8·½ + 1)/9 = 5/9.
    # Q = (0.2·5/9 + e⁻¹)/(0.2 + e⁻¹), slope = e⁻¹(1 - Q)/(0.2 + e⁻¹); log h moves by 0.05·(0 - Q)·slope.
    learner = KernelQ(SoftQOptions(bandwidth=0.5))
    learner.learn(Transition(at(0), "c", 1.0))
    error = learner.learn(Transition(at(np.pi / 3), "c", 0.0))
    q = (0.2 * 5 / 9 + exp(-1)) / (0.2 + exp(-1))
    assert error == pytest.approx(-q, abs=1e-3)
    assert log(learner.bandwidth / 0.5) == pytest.approx(-0.05 * q * exp(-1) * (1 - q) / (0.2 + exp(-1)), rel=1e-2)


def recorded(table: KernelTable, state: NDArray[np.float32], case_id: str, value: float) -> None:
    table.record(state, case_id, value, table.near(state, [case_id]))


def test_observations_at_one_state_are_averaged_the_latest_more_than_the_first() -> None:
    # Means of 1, then of 1 and 0, then steps of 1/2: 1, 1/2, then ½ + ½(0 - ½) = 1/4.
    table = KernelTable(entries=4, states=8, longest=2, same=0.999)
    for value in (1.0, 0.0, 0.0):
        recorded(table, at(0.7), "c", value)
    assert table.state().cases == {"c": CaseState(numbers=[0], values=[0.25], counts=[2])}


def test_oldest_interactions_of_a_case_and_oldest_states_go_first() -> None:
    table = KernelTable(entries=3, states=5, longest=2, same=0.999)
    recorded(table, at(9.0), "early", 1.0)
    for number in range(4):
        recorded(table, at(number), "c", number)
    recorded(table, at(3), "shares the last state", 7.0)
    assert table.state().cases["c"].values == [1.0, 2.0, 3.0]
    assert table.state().cases["shares the last state"].numbers == [4]
    recorded(table, at(4), "late", 4.0)
    assert "early" not in table.state().cases, "its state was overwritten"
    assert table.near(at(9.0), ["early"]).counts.sum() == 0
    recorded(table, at(5), "late", 5.0)
    recorded(table, at(6), "late", 6.0)
    found = table.near(at(3), ["c", "late", "unknown"])
    assert found.counts.sum(axis=1).tolist() == [2, 3, 0]
    assert found.cosines[1] == pytest.approx([cos(1), cos(2), cos(3)], abs=1e-3)
    assert table.restored(table.state()).near(at(3), ["late"]).cosines.tolist() == found.cosines[1:2].tolist()


def test_vectors_of_another_embedding_start_the_table_anew() -> None:
    table = KernelTable(entries=3, states=5, longest=2, same=0.999)
    recorded(table, at(0), "c", 1.0)
    longer = np.array([1, 0, 0], dtype=np.float32)
    assert table.near(longer, ["c"]).counts.sum() == 0
    recorded(table, longer, "d", 1.0)
    assert list(table.state().cases) == ["d"]


def test_zero_vector_is_like_nothing() -> None:
    learner, zero = KernelQ(OPTIONS), np.zeros(2, dtype=np.float32)
    learner.learn(Transition(zero, "c", 1.0))
    learner.learn(Transition(zero, "c", 0.0))
    assert np.isfinite(learner.values(zero, [option("c")])).all()
    assert learner.restored(learner.state()).state() == learner.state()


def test_many_interactions_at_once_give_the_same_as_one_by_one() -> None:
    # More places than states take another way through the table.
    learner = KernelQ(OPTIONS)
    rng = np.random.default_rng(0)
    cases = [option(f"{number}", 1, 0.2) for number in range(40)]
    for vector in rng.standard_normal((6, 8)).astype(np.float32):
        for case in cases:
            learner.learn(Transition(vector, case.case_id, float(rng.random())))
    query = rng.standard_normal(8).astype(np.float32)
    single = [float(learner.values(query, [case])[0]) for case in cases]
    assert learner.values(query, cases).tolist() == single


def test_bandwidth_out_of_bounds_is_refused() -> None:
    learner = KernelQ(OPTIONS)
    with pytest.raises(InvalidInputError, match="bandwidth"):
        learner.restored(learner.state().model_copy(update={"log_bandwidth": 5.0}))
