"""The paper's parametric memory (eq. 15-16): the cases of largest learned Q(task, case)."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.policies.base import Candidate, Pick, PolicyOptions, Pool, Query, UnlearnedPolicy, by_cosine

if TYPE_CHECKING:
    from memory.training.case_rows import CaseRows
    from memory.training.q_model import QModel

VERSION = 1
DECIMALS = 6
"""Scores are rounded, so that what differs only by the batch it was encoded in counts as a tie."""


class Parametric(UnlearnedPolicy):
    """TopK over the Q that `memento train` fitted and saved below HOME/models; of equal ones the newest.

    As long as nothing has been trained there is no Q, and the choice is that of an untrained encoder: the cosine of the
    task and the case's text (task and plan), outcomes aside. A model that is there but damaged is an error. The model
    is read at the first choice; one trained later counts from the next process on.

    Learning is offline: `update` changes nothing, the journal keeps what the next training needs. The state is the
    model's fingerprint alone, because the model itself lies in its folder.
    """

    name: PolicyName = "parametric"
    pool: Pool = "roster"

    def __init__(self, options: PolicyOptions) -> None:
        self._models = options.models
        self._lock = threading.Lock()
        self._loaded: tuple[QModel, CaseRows] | None = None

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        """As the contract says. Without `query.texts` new cases cannot be encoded; the given cosines rank then.

        Raises:
            ConfigurationError: the trained model is damaged or its encoder cannot be loaded.
        """
        if k <= 0 or not candidates:
            return []
        model, kept = self._load()
        ids = [candidate.case_id for candidate in candidates]
        if missing := kept.missing(ids):
            texts = query.texts
            if texts is None:
                return by_cosine(candidates, k)
            kept.fill(missing, lambda some: model.case_rows(texts(some)))
        succeeded = np.array([candidate.reward == 1 for candidate in candidates])
        scores = np.round(model.scores(query.task, kept.rows(ids), succeeded), DECIMALS)
        times = np.array([candidate.created_at for candidate in candidates])
        best = np.lexsort((np.array(ids), -times, -scores))[:k]
        return [Pick(ids[at], float(scores[at])) for at in best.tolist()]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "version": VERSION, "model": self._load()[0].fingerprint}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        super().load_state_dict(state)
        if state.get("version") != VERSION:
            raise InvalidInputError(f"policy {self.name}: takes a state of version {VERSION}")
        fingerprint = self._load()[0].fingerprint
        if state.get("model") != fingerprint:
            raise InvalidInputError(
                f"policy {self.name}: got the state of model {state.get('model')!r}, has model {fingerprint!r}"
            )

    def _load(self) -> tuple[QModel, CaseRows]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _open(self._models)
            return self._loaded


def _open(models: Path | None) -> tuple[QModel, CaseRows]:
    from memory.training.case_rows import CaseRows
    from memory.training.q_model import UntrainedQ
    from memory.training.store import NAME, is_there, load_model

    folder = models / NAME if models is not None else None
    model: QModel = load_model(folder) if folder is not None and is_there(folder) else UntrainedQ()
    path = folder / f"cases-{model.fingerprint}.safetensors" if folder is not None else None
    return model, CaseRows(path, model.fingerprint, model.width)
