"""Q(task, case) over encoded texts, for use: paper eq. 15, a two-layer MLP on the concatenation of both vectors."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Vectors

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The MLP with its first layer cut into the parts of task, case and outcome, so that the case's part can be kept.

    float32; with vectors of width d and h hidden units: `task` and `case` (d, h), `outcome` (h,) for the case's outcome
    as +1 or -1, `bias` (h,), `out` (h,), `out_bias` (1,).
    """

    task: Vectors
    case: Vectors
    outcome: Vectors
    bias: Vectors
    out: Vectors
    out_bias: Vectors

    @property
    def dimension(self) -> int:
        return int(self.task.shape[0])

    @property
    def hidden(self) -> int:
        return int(self.task.shape[1])

    def case_half(self, vectors: Vectors) -> Vectors:
        """What the first layer makes of cases, their outcome aside: (n, d) to (n, h)."""
        half: Vectors = vectors @ self.case + self.bias
        return half

    def probability(self, task_vectors: Vectors, case_half: Vectors, succeeded: NDArray[np.bool_]) -> Array:
        """P(success) for each case: task vectors of shape (d,) or (n, d), case halves (n, h), outcomes (n,)."""
        sign = np.where(succeeded, np.float32(1), np.float32(-1))[:, None]
        hidden = np.maximum(case_half + sign * self.outcome + task_vectors @ self.task, 0)
        logit = (hidden @ self.out + self.out_bias[0]).astype(np.float64)
        return sigmoid(logit)

    def tensors(self) -> dict[str, Vectors]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


def sigmoid(logit: Array) -> Array:
    """Without overflow at either end."""
    small = np.exp(-np.abs(logit))
    value: Array = np.where(logit >= 0, 1 / (1 + small), small / (1 + small))
    return value
