"""No memory: the control that shows what the model can do alone."""

from __future__ import annotations

from collections.abc import Sequence

from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, Pool, Query, UnlearnedPolicy


class NoCases(UnlearnedPolicy):
    """Shows nothing."""

    name: PolicyName = "none"
    pool: Pool = "none"

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        return []
