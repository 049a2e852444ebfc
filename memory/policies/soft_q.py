"""The paper's learned case selection (Memento, arXiv 2508.16153, eq. 7-11): cases drawn from softmax(Q/α).

What it learns, and the corrections to the published equations, are in `memory.soft_q_learning`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.case import Case
from memory.episode import Episode, unpack
from memory.policies.base import Candidate, Pick, PolicyOptions, Pool, Query
from memory.soft_q_learning import KernelQ, KernelQState, SoftQOptions, Transition

VERSION: Literal[1] = 1
Array = NDArray[np.float64]


class SoftQState(BaseModel):
    """The policy's state as plain JSON values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    policy: Literal["soft-q"] = "soft-q"
    version: Literal[1] = VERSION
    seed: int
    updates: int = Field(ge=0)
    learned: KernelQState


class SoftQ:
    """K cases drawn without replacement from softmax(Q(s,c)/α), Q learned from what became of the tasks.

    A task is one step and the last one, so its target is its reward. Every case of the slate is credited with the
    whole reward: the paper's Q is of one case, and nothing tells which of K cases helped. A case that comes along with
    good ones is therefore overrated until it is shown with others.

    Not safe for `update` in one thread while another selects.
    """

    name: PolicyName = "soft-q"
    pool: Pool = "nearest"
    records_vector: bool = True

    def __init__(self, options: PolicyOptions, learning: SoftQOptions | None = None) -> None:
        self._seed = options.seed
        self._updates = 0
        self._q = KernelQ(learning or SoftQOptions())

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        if not candidates or k <= 0:
            return []
        q = self._q.values(query.vector, candidates)
        logits = q / self._q.options.alpha
        order = np.argsort(-(logits + self._gumbel(query.task, candidates)), kind="stable")
        propensities = _propensities(logits[order])
        return [
            Pick(candidates[one].case_id, float(q[one]), float(propensity))
            for one, propensity in zip(order[:k], propensities[:k], strict=True)
        ]

    def update(self, case: Case, episode: Episode) -> None:
        """Learn from a finished task. InvalidInputError if the episode's vector is damaged; nothing changes then."""
        if case.reward is None or not episode.vector or not episode.slate:
            return
        state = _vector(episode)
        for shown in episode.slate:
            self._q.learn(Transition(state, shown.case_id, float(case.reward)))
        self._updates += 1

    def state_dict(self) -> dict[str, Any]:
        return SoftQState(seed=self._seed, updates=self._updates, learned=self._q.state()).model_dump()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        if state.get("policy") != self.name or state.get("version") != VERSION:
            got = f"{state.get('policy')!r}, version {state.get('version')!r}"
            raise InvalidInputError(f"policy {self.name}, version {VERSION}: got the state of {got}")
        try:
            read = SoftQState.model_validate(dict(state))
            learned = self._q.restored(read.learned)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise InvalidInputError(f"policy {self.name}: damaged state: {place}: {first['msg']}") from error
        except InvalidInputError as error:
            raise InvalidInputError(f"policy {self.name}: damaged state: {error}") from error
        self._seed, self._updates, self._q = read.seed, read.updates, learned

    def _gumbel(self, task: str, candidates: Sequence[Candidate]) -> Array:
        """Gumbel noise of shape (m,), from a hash over seed, updates, task and case: the same whoever else is there.

        The k largest of logit + noise are k draws without replacement (Gumbel-top-k, arXiv 1903.06059).
        """
        start = hashlib.sha256(f"{self._seed}\0{self._updates}\0{task}\0".encode())
        return np.array([_noise(start, candidate.case_id) for candidate in candidates])


def _noise(start: hashlib._Hash, case_id: str) -> float:
    drawn = start.copy()
    drawn.update(case_id.encode())
    uniform = ((int.from_bytes(drawn.digest()[:8], "big") >> 12) + 0.5) / 2**52
    return -math.log(-math.log(uniform))


def _propensities(logits: Array) -> Array:
    """The softmax probability of each among itself and those after it; logits in the order drawn, shape (m,)."""
    remaining = np.logaddexp.accumulate(logits[::-1])[::-1]
    propensities: Array = np.minimum(np.exp(logits - remaining), 1.0)
    return propensities


def _vector(episode: Episode) -> NDArray[np.float32]:
    try:
        vector = unpack(episode.vector)
    except ValueError as error:
        raise InvalidInputError("policy soft-q: the episode's vector can't be read") from error
    if not vector.size or not np.isfinite(vector).all():
        raise InvalidInputError("policy soft-q: the episode's vector is empty or not finite")
    return vector
