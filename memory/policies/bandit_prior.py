"""What the bandit believes before its first episode, and how it chooses. Values were tuned in simulation only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memory.features import CONTEXT, FEATURES


@dataclass(frozen=True, slots=True)
class BanditPrior:
    """Means and variances by column of `memory.features`; what is not named has mean 0 and the `other` variance.

    The means make a cold start rank as `cosine-success` does. `case_variance` is τ₀², `forgetting` divides Σ at each
    episode. The rest are the rules of the slate, see `memory.policies.slate`.
    """

    means: Mapping[str, float] = field(default_factory=lambda: {"cosine_success": 4.0, "outcome": 1.5, "cosine": 0.5})
    variances: Mapping[str, float] = field(
        default_factory=lambda: {"context.one": 4.0, "cosine_success": 2.0, "outcome": 2.0, "cosine": 2.0}
    )
    other: float = 1.0
    case_variance: float = 2.0
    forgetting: float = 0.999
    sharing: float = 1.0
    redundancy: float = 0.3
    alike: float = 0.5
    same: float = 0.95
    least: float = -0.3
    failures: int = 1
    temperature: float = 0.1

    def mean(self) -> NDArray[np.float64]:
        """The prior mean of θ = (a, w)."""
        return np.array([self.means.get(name, 0.0) for name in _columns()])

    def variance(self) -> NDArray[np.float64]:
        """The diagonal of the prior Σ."""
        return np.array([self.variances.get(name, self.other) for name in _columns()])


def _columns() -> list[str]:
    return [*(f"context.{name}" for name in CONTEXT), *FEATURES]
