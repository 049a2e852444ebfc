"""The newest cases: the control for recency, and what a plain transcript would give."""

from __future__ import annotations

from collections.abc import Sequence

from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, Pool, Query, UnlearnedPolicy


class RecentCases(UnlearnedPolicy):
    """The K newest cases, newest first; of those of one time, the one written last."""

    name: PolicyName = "recent"
    pool: Pool = "newest"

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        order = sorted(range(len(candidates)), key=lambda place: (candidates[place].created_at, place), reverse=True)
        return [Pick(candidates[place].case_id, 0.0) for place in order[: max(k, 0)]]
