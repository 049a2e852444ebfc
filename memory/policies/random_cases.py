"""Cases drawn at random: the control for having any examples in the prompt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, PolicyOptions, Pool, Query, UnlearnedPolicy


class RandomCases(UnlearnedPolicy):
    """K cases drawn uniformly without replacement, by the order of a hash over seed, task and case.

    Drawing by hash keeps a draw repeatable whatever ran before it, and a growing bank disturbs it least.
    """

    name: PolicyName = "random"
    pool: Pool = "roster"

    def __init__(self, options: PolicyOptions) -> None:
        self.seed = options.seed

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        drawn = sorted(candidates, key=lambda candidate: self._lot(query.task, candidate.case_id))[: max(k, 0)]
        return [Pick(one.case_id, 0.0, 1 / (len(candidates) - place)) for place, one in enumerate(drawn)]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "seed": self.seed}

    def load_state_dict(self, state: Any) -> None:
        super().load_state_dict(state)
        if not isinstance(state.get("seed"), int):
            raise InvalidInputError(f"policy {self.name}: the state lacks a whole number as seed")
        self.seed = state["seed"]

    def _lot(self, task: str, case_id: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\0{task}\0{case_id}".encode()).digest()
