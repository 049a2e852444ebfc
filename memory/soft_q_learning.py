"""Maximum-entropy soft Q-learning over case selection, with kernel-based episodic control: the mathematics, no I/O.

Memento (arXiv 2508.16153) chooses a case c of the memory M at a state s to maximise reward plus α times the policy's
entropy. Then V(s,M) = Σ_c μ(c|s,M) [Q(s,M,c) - α log μ(c|s,M)] and Q(s,M,c) = E[r + γ V(s',M')], and the best policy
is (eq. 7)

    μ*(c|s,M) = exp(Q(s,M,c)/α) / Σ_c' exp(Q(s,M,c')/α)     with V*(s,M) = α log Σ_c exp(Q*(s,M,c)/α),

so that the TD update (eq. 8) is

    Q(s,M,c) += η [ r + γ α log Σ_c' exp(Q(s',M',c')/α) - Q(s,M,c) ].

The published equations 8 and 10 lack the 1/α inside the exponential: that is right for α = 1 only, as putting μ* into
V shows. Q is read from past interactions through a kernel (eq. 9), whose bandwidth follows the gradient of the TD loss
(eq. 10-11).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from configs.errors import InvalidInputError
from memory.kernel_table import Interactions, KernelTable, TableState
from memory.policies.base import Candidate

if TYPE_CHECKING:
    from memory.embedding import Vectors

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SoftQOptions:
    """What is chosen, not learned.

    `alpha` is the temperature α in units of reward, `gamma` the discount γ, 1/`longest` the least step size η.
    `bandwidth` h of the kernel is where learning starts, and stays between `narrowest` and `widest`; `bandwidth_rate`
    is the step size for log h. `prior_weight` observations of the average target stand beside those of every case;
    that average starts at `prior` with the weight of `prior_strength` observations. `entries`, `states` and `same`
    bound the table, see `KernelTable`.
    """

    alpha: float = 0.02
    gamma: float = 0.95
    longest: int = 20
    bandwidth: float = 0.15
    narrowest: float = 0.04
    widest: float = 0.6
    bandwidth_rate: float = 0.05
    prior: float = 0.5
    prior_strength: float = 8.0
    prior_weight: float = 0.2
    entries: int = 64
    states: int = 8192
    same: float = 0.999


@dataclass(frozen=True, slots=True)
class Following:
    """Where a transition leads: s' as a vector of shape (d,), and the cases of M' to choose from there, 1 or more."""

    state: Vectors
    cases: Sequence[Candidate]


@dataclass(frozen=True, slots=True)
class Transition:
    """(s, c, r, s'): the state's vector of shape (d,), the case shown, the reward; `following` is None at the end."""

    state: Vectors
    case_id: str
    reward: float
    following: Following | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Q(s, c) of m cases, and its derivative by log h: arrays of shape (m,)."""

    value: Array
    slope: Array


def soft_value(q: Array, alpha: float) -> float:
    """V*(s) = α log Σ_c exp(Q(s,c)/α), for q of shape (m,), m of 1 or more."""
    top = float(q.max())
    return top + alpha * math.log(float(np.exp((q - top) / alpha).sum()))


def soft_policy(q: Array, alpha: float) -> Array:
    """μ*(c|s) = softmax(Q/α), eq. 7; shape (m,), sums to 1."""
    weights = np.exp((q - q.max()) / alpha)
    chances: Array = weights / weights.sum()
    return chances


def td_target(reward: float, following: Array | None, alpha: float, gamma: float) -> float:
    """r + γ α log Σ_c' exp(Q(s',c')/α), eq. 8 with 1/α; r alone at the end, where `following`, Q(s',·), is None."""
    return reward if following is None else reward + gamma * soft_value(following, alpha)


def kernel(cosines: Array, bandwidth: float) -> Array:
    """k_h(s,s') = exp(-|s-s'|²/2h) = exp((cos(s,s')-1)/h) of unit vectors: a Gaussian of variance h; 1 at s = s'."""
    weights: Array = np.exp((cosines - 1.0) / bandwidth)
    return weights


def kernel_estimate(found: Interactions, bandwidth: float, prior: float, prior_weight: float) -> Estimate:
    """Q_EC of eq. 9 with a constant prior, and its gradient as in eq. 11.

    Q = (w₀q₀ + Σ n k_h Q') / (w₀ + Σ n k_h) over the interactions of a case, n observations each, and

        dQ/dlog h = Σ n k_h (1-cos)/h (Q' - Q) / (w₀ + Σ n k_h).

    Where all weights are 0 the value is q₀.
    """
    weights = found.counts * kernel(found.cosines, bandwidth)
    total = prior_weight + weights.sum(axis=1)
    sums = prior_weight * prior + (weights * found.values).sum(axis=1)
    value: Array = np.divide(sums, total, out=np.full_like(total, prior), where=total > 0)
    slopes = (weights * (1.0 - found.cosines) / bandwidth * (found.values - value[:, None])).sum(axis=1)
    return Estimate(value, np.divide(slopes, total, out=np.zeros_like(total), where=total > 0))


class KernelQState(BaseModel):
    """A `KernelQ` as plain JSON values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    log_bandwidth: float
    average: float
    observations: int = Field(ge=0)
    table: TableState


class KernelQ:
    """Q(s, M, c) by kernel-based episodic control, learned from transitions by TD.

    Everything is a function of the transitions and their order.
    """

    def __init__(self, options: SoftQOptions) -> None:
        self.options = options
        self._log_bandwidth = math.log(options.bandwidth)
        self._average = options.prior
        self._observations = 0
        self._table = KernelTable(options.entries, options.states, options.longest, options.same)

    @property
    def bandwidth(self) -> float:
        """h, in units of cosine."""
        return math.exp(self._log_bandwidth)

    def values(self, state: Vectors | None, cases: Sequence[Candidate]) -> Array:
        """Q(s, M, c) of each case, shape (m,).

        A case's own outcome at its own task is its first interaction, so that of cases never shown near successes
        come first, then far ones of either outcome near the average, and near failures last.

        Args:
            state: of shape (d,); None leaves only the cases' own outcomes.
            cases: one without a cosine has no own outcome here.
        """
        at = np.empty(0, dtype=np.float32) if state is None else state
        found = self._table.near(at, [case.case_id for case in cases])
        return self._estimate(_with_outcomes(found, cases)).value

    def learn(self, transition: Transition) -> float:
        """Learn from one transition: h follows the gradient, then the target is recorded. Returns the TD error.

        The gradient is that of (Q - target)²/2 with the target held fixed, taken before the target is recorded: the
        error of a prediction. Here Q is that of eq. 9 over what was recorded before, without the case's own outcome,
        which episodes do not tell.
        """
        options, following = self.options, transition.following
        ahead = None if following is None else self.values(following.state, following.cases)
        target = td_target(transition.reward, ahead, options.alpha, options.gamma)
        found = self._table.near(transition.state, [transition.case_id])
        estimate = self._estimate(found)
        error = target - float(estimate.value[0])
        moved = self._log_bandwidth + options.bandwidth_rate * error * float(estimate.slope[0])
        self._log_bandwidth = min(max(moved, math.log(options.narrowest)), math.log(options.widest))
        self._table.record(transition.state, transition.case_id, target, found)
        self._observations += 1
        self._average += (target - self._average) / (options.prior_strength + self._observations)
        return error

    def state(self) -> KernelQState:
        """What `restored` needs."""
        return KernelQState(
            log_bandwidth=self._log_bandwidth,
            average=self._average,
            observations=self._observations,
            table=self._table.state(),
        )

    def restored(self, state: KernelQState) -> KernelQ:
        """One with these options that has learned what `state` says. InvalidInputError if that can't be."""
        made = KernelQ(self.options)
        if not math.log(self.options.narrowest) <= state.log_bandwidth <= math.log(self.options.widest):
            raise InvalidInputError(f"the kernel's bandwidth is out of bounds: log h is {state.log_bandwidth}")
        made._log_bandwidth, made._average = state.log_bandwidth, state.average
        made._observations, made._table = state.observations, self._table.restored(state.table)
        return made

    def _estimate(self, found: Interactions) -> Estimate:
        return kernel_estimate(found, self.bandwidth, self._average, self.options.prior_weight)


def _with_outcomes(found: Interactions, cases: Sequence[Candidate]) -> Interactions:
    """One more interaction for each case, of shape (m, e+1): its own outcome, once, at its own task."""
    own = np.clip([case.cosine or 0.0 for case in cases], -1.0, 1.0)
    outcomes = np.array([float(case.reward) for case in cases])
    known = np.array([float(case.cosine is not None) for case in cases])
    return Interactions(
        np.column_stack((found.cosines, own)),
        np.column_stack((found.values, outcomes)),
        np.column_stack((found.counts, known)),
    )
