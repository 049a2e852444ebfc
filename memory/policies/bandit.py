"""The slate bandit: hierarchical Bayesian logistic regression over what was shown, learning from every outcome.

    logit P(r=1 | q, S) = aᵀx(q) + κ Σ_{c∈S} [ wᵀψ(q, c) + u_c ],   κ = 1/|S|,   u_c ~ N(0, τ₀²)

x and ψ are those of `memory.features`; u_c is what a case is worth beyond its features. One assumed-density update an
episode, by the extended Kalman filter of the logistic likelihood (Murphy, Probabilistic Machine Learning: Advanced
Topics, section 8.3): with z = (x, κΣψ), p = σ(θᵀz + κΣu), h = max(p(1-p), 0.02), D = 1/h + zᵀΣz + κ²Στ_c²,
e = (r - p)/h:

    θ += Σz·e/D      Σ -= (Σz)(Σz)ᵀ/D      u_c += τ_c²κ·e/D      τ_c² -= (τ_c²κ)²/D
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.case import Case
from memory.episode import Episode
from memory.features import CONTEXT, FEATURES
from memory.policies.base import Candidate, Pick, PolicyOptions, Pool, Query

VERSION = 1
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BanditPrior:
    """What the bandit believes before it has seen anything, and how it chooses.

    Means and variances are by feature name; what is not named has mean 0 and `variance`. `case_variance` is τ₀².
    `forgetting` divides Σ at each episode, capped at the prior. `redundancy` is the penalty for a cosine above
    `alike` to a case chosen already; a cosine of `same` or more is a near-duplicate. `least` is what a further case
    must be worth beyond the first. `temperature` of the Gumbel noise on the values makes propensities exact.
    """

    context_variance: Mapping[str, float] = field(default_factory=lambda: {"one": 4.0})
    means: Mapping[str, float] = field(
        default_factory=lambda: {"cosine_success": 4.0, "outcome": 1.5, "cosine": 0.5}
    )
    variances: Mapping[str, float] = field(
        default_factory=lambda: {"cosine_success": 2.0, "outcome": 2.0, "cosine": 2.0}
    )
    variance: float = 1.0
    case_variance: float = 2.0
    forgetting: float = 0.999
    redundancy: float = 0.3
    alike: float = 0.5
    same: float = 0.95
    least: float = -0.3
    temperature: float = 0.1
    failures: int = 1
