"""The nearest successes (CASCADE, arXiv 2605.06702): the strongest cheap baseline."""

from __future__ import annotations

from collections.abc import Sequence

from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, Pool, Query, UnlearnedPolicy, by_cosine


class CosineSuccess(UnlearnedPolicy):
    """TopK over cos(enc(task), enc(case task)) among the cases that ended well."""

    name: PolicyName = "cosine-success"
    pool: Pool = "nearest-successes"

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        return by_cosine([candidate for candidate in candidates if candidate.reward == 1], k)
