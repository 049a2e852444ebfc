"""The slate bandit: hierarchical Bayesian logistic regression over what was shown, learning from every outcome.

    logit P(r=1 | q, S) = aᵀx(q) + κ Σ_{c∈S} [ wᵀψ(q, c) + u_c ],   κ = 1/|S|,   u_c ~ N(0, τ₀²)

x and ψ are those of `memory.features`; u_c is what a case is worth beyond its features. One step of the extended
Kalman filter an episode (Murphy, Probabilistic Machine Learning: Advanced Topics, 2023, chapter 8): with z = (x, κΣψ),
θ = (a, w), p = σ(θᵀz + κΣu), h = max(p(1-p), 0.02), D = 1/h + zᵀΣz + κ²Στ_c², e = (r - p)/h:

    θ += Σz·e/D      Σ -= (Σz)(Σz)ᵀ/D      u_c += τ_c²κ·e/D      τ_c² -= (τ_c²κ)²/D

Whether a failure is worth a place is tried, because nothing else would tell: the last place goes to the best failure as
often as it is believed to be worth more than the success that would have had it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.case import Case
from memory.episode import Episode
from memory.features import CONTEXT, FEATURES
from memory.policies.bandit_prior import BanditPrior
from memory.policies.base import Candidate, Pick, PolicyOptions, Pool, Query
from memory.policies.slate import Contest, SlateRules, choose_slate

VERSION = 1
Array = NDArray[np.float64]


class SlateBandit:
    """Shows what is worth most for the task, by features and by what became of the tasks a case was shown for."""

    name: PolicyName = "bandit"
    pool: Pool = "hybrid"
    records_vector = False

    def __init__(self, options: PolicyOptions, prior: BanditPrior | None = None) -> None:
        self.prior = prior or BanditPrior()
        self.seed = options.seed
        self.episodes = 0
        self._theta = self.prior.mean()
        self._sigma = np.diag(self.prior.variance())
        self._ceiling = self.prior.variance()
        self._cases: dict[str, tuple[float, float, int]] = {}

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        known = sorted((one for one in candidates if one.features), key=lambda one: one.case_id)
        values = self.values(known)
        return choose_slate(known, values, k, self._rules(), self._noise(query.task), self._contest(known))

    def values(self, candidates: Sequence[Candidate]) -> Array:
        """wᵀψ(q, c) + u_c for each candidate, in logits."""
        if not candidates:
            return np.empty(0)
        features = np.array([one.features for one in candidates])
        own = np.array([self._cases.get(one.case_id, (0.0,))[0] for one in candidates])
        values: Array = features @ self._theta[len(CONTEXT) :] + own
        return values

    def worth(self, case_id: str) -> tuple[float, float]:
        """u_c and its standard deviation in logits: what a case adds beyond what its features promise."""
        value, variance, at = self._cases.get(case_id, (0.0, self.prior.case_variance, 0))
        return value, math.sqrt(self._drifted(variance, at))

    def update(self, case: Case, episode: Episode) -> None:
        slate = [shown for shown in episode.slate if shown.features]
        if case.reward is None or not episode.context or len(slate) < len(episode.slate):
            return
        self._forget()
        kappa = max(len(slate), 1) ** -self.prior.sharing
        z = np.concatenate([episode.context, kappa * np.sum([shown.features for shown in slate], axis=0)
                            if slate else np.zeros(len(FEATURES))])  # fmt: skip
        own = {shown.case_id: self._own(shown.case_id) for shown in slate}
        logit = float(self._theta @ z) + kappa * sum(value for value, _ in own.values())
        p = 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))
        h = max(p * (1 - p), 0.02)
        sz = self._sigma @ z
        spread = 1 / h + float(z @ sz) + kappa**2 * sum(variance for _, variance in own.values())
        step = (case.reward - p) / h / spread
        self._theta = self._theta + sz * step
        sigma = self._sigma - np.outer(sz, sz) / spread
        self._sigma = (sigma + sigma.T) / 2
        self.episodes += 1
        for case_id, (value, variance) in own.items():
            gain = variance * kappa
            self._cases[case_id] = (value + gain * step, variance - gain**2 / spread, self.episodes)

    def state_dict(self) -> dict[str, Any]:
        return {
            "policy": self.name,
            "version": VERSION,
            "columns": [*CONTEXT, *FEATURES],
            "episodes": self.episodes,
            "theta": self._theta.tolist(),
            "sigma": self._sigma.tolist(),
            "cases": {case_id: list(values) for case_id, values in self._cases.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if (state.get("policy"), state.get("version"), state.get("columns")) != (
            self.name,
            VERSION,
            [*CONTEXT, *FEATURES],
        ):
            raise InvalidInputError(f"policy {self.name}: got the state of {state.get('policy')!r} or another version")
        size = len(CONTEXT) + len(FEATURES)
        try:
            theta, sigma = np.array(state["theta"], dtype=float), np.array(state["sigma"], dtype=float)
            cases = {str(id_): (float(u), float(v), int(at)) for id_, (u, v, at) in dict(state["cases"]).items()}
            episodes = int(state["episodes"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(f"policy {self.name}: the state is damaged") from error
        numbers = [*theta.ravel(), *sigma.ravel(), *(value for row in cases.values() for value in row)]
        if theta.shape != (size,) or sigma.shape != (size, size) or not np.isfinite(numbers).all():
            raise InvalidInputError(f"policy {self.name}: the state is damaged")
        self._theta, self._sigma, self._cases, self.episodes = theta, sigma, cases, episodes

    def _own(self, case_id: str) -> tuple[float, float]:
        value, variance, at = self._cases.get(case_id, (0.0, self.prior.case_variance, self.episodes))
        return value, self._drifted(variance, at)

    def _drifted(self, variance: float, at: int) -> float:
        """A case's variance now: it grows back to the prior's as the episode it was last seen in recedes."""
        return min(self.prior.case_variance, variance / self.prior.forgetting ** (self.episodes - at))

    def _forget(self) -> None:
        sigma = self._sigma / self.prior.forgetting
        scale = np.minimum(1.0, np.sqrt(self._ceiling / np.diag(sigma)))
        self._sigma = sigma * np.outer(scale, scale)

    def _contest(self, candidates: Sequence[Candidate]) -> Contest:
        """Probability matching: how likely a failure is worth more than a success by what is believed of both."""

        def contest(failure: int, success: int) -> float:
            pair = (candidates[failure], candidates[success])
            values, weights = self.values(pair), slice(len(CONTEXT), None)
            apart = np.subtract(pair[0].features, pair[1].features)
            own = sum(self._own(one.case_id)[1] for one in pair)
            spread = math.sqrt(float(apart @ self._sigma[weights, weights] @ apart) + own)
            return 0.5 * math.erfc((values[1] - values[0]) / spread / math.sqrt(2))

        return contest

    def _rules(self) -> SlateRules:
        prior = self.prior
        return SlateRules(prior.redundancy, prior.alike, prior.same, prior.least, prior.failures, prior.temperature)

    def _noise(self, task: str) -> np.random.Generator:
        digest = hashlib.sha256(f"{self.seed}\0{self.episodes}\0{task}".encode(errors="surrogatepass")).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "little"))
