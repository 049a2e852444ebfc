"""The paper's non-parametric memory (eq. 13): the nearest cases, good and bad ones."""

from __future__ import annotations

from collections.abc import Sequence

from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, Pool, Query, UnlearnedPolicy, by_cosine


class CosineCases(UnlearnedPolicy):
    """TopK over cos(enc(task), enc(case task)), whatever the outcome."""

    name: PolicyName = "cosine"
    pool: Pool = "nearest"

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        return by_cosine(candidates, k)
