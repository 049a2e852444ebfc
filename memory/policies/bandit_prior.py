"""What the bandit believes before its first episode, and how it chooses.

The values were tuned in simulation only, on seeds of their own (`evaluation.simulation.tuning`). A steep mean and small
variances on what ranks by likeness keep it from unlearning `cosine-success` on the noise of single outcomes; what only
outcomes can tell (age, trust, failures) may move. Steeper still is better where fine differences in likeness are right,
worse where cases are forged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from memory.features import CONTEXT, FEATURES

MEANS: Mapping[str, float] = MappingProxyType(
    {"context.one": -4.9, "cosine_success": 6.0, "outcome": 0.3, "cosine": 0.2, "trust_success": 0.7}
)
VARIANCES: Mapping[str, float] = MappingProxyType(
    {
        "context.one": 4.0,
        "outcome": 0.5,
        "cosine_failure": 1.5,
        "trust_success": 0.2,
        "age": 0.5,
        "uses": 0.1,
        "lexical_success": 0.5,
    }
)


@dataclass(frozen=True, slots=True)
class BanditPrior:
    """Means and variances by column of `memory.features`; what is not named has mean 0 and the `other` variance.

    The means make a cold start rank as `cosine-success` does among equally trusted cases. `context.one` sets off what
    a good slate is worth (at cosine 0.7 a chance of 0.6), so that the first outcomes are no surprise. `case_variance`
    is τ₀²; `forgetting` divides Σ at each episode; `sharing` is the exponent of κ = |S|^-sharing. The rest are the
    rules of the slate, see `memory.policies.slate`. Variances are above 0.
    """

    means: Mapping[str, float] = field(default_factory=lambda: dict(MEANS))
    variances: Mapping[str, float] = field(default_factory=lambda: dict(VARIANCES))
    other: float = 0.03
    case_variance: float = 0.5
    forgetting: float = 0.999
    sharing: float = 1.0
    redundancy: float = 0.3
    alike: float = 0.5
    same: float = 0.95
    least: float = -0.3
    failures: int = 1
    temperature: float = 0.05

    def mean(self) -> NDArray[np.float64]:
        """The prior mean of θ = (a, w)."""
        return np.array([self.means.get(name, 0.0) for name in _columns()])

    def variance(self) -> NDArray[np.float64]:
        """The diagonal of the prior Σ."""
        return np.array([self.variances.get(name, self.other) for name in _columns()])


def _columns() -> list[str]:
    return [*(f"context.{name}" for name in CONTEXT), *FEATURES]
