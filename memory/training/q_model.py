"""Q(task, case) ready to score a bank: an encoder, and what follows it. Trained, or not yet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Embedder, Vectors
from memory.minilm import MiniLM
from memory.training.encoders import EncoderSpec
from memory.training.head import Head

Array = NDArray[np.float64]


class QModel(Protocol):
    """Scores cases for a task; the part that does not depend on the task can be kept."""

    @property
    def fingerprint(self) -> str:
        """What tells its case rows from another model's."""
        ...

    @property
    def width(self) -> int:
        """Length of a case's row."""
        ...

    def case_rows(self, texts: Sequence[str]) -> Vectors:
        """What to keep of cases: float32 of shape (len(texts), width)."""
        ...

    def scores(self, task: str, rows: Vectors, succeeded: NDArray[np.bool_]) -> Array:
        """Shape (n,) from the rows of n cases and their outcomes; one pass of the encoder and one small product."""
        ...


@dataclass(frozen=True, slots=True)
class TrainedQ:
    """The paper's Q: the probability that the task succeeds with the case in view."""

    encoder: Embedder
    head: Head
    fingerprint: str

    @property
    def width(self) -> int:
        return self.head.hidden

    def case_rows(self, texts: Sequence[str]) -> Vectors:
        return self.head.case_half(self.encoder.embed(texts))

    def scores(self, task: str, rows: Vectors, succeeded: NDArray[np.bool_]) -> Array:
        return self.head.probability(self.encoder.embed([task])[0], rows, succeeded)


@dataclass(frozen=True, slots=True)
class UntrainedQ:
    """Before any training there is no Q: the cosine of the task and the case's text, by the bundled encoder."""

    encoder: Embedder = field(default_factory=MiniLM)
    fingerprint: str = "untrained"

    @property
    def width(self) -> int:
        return self.encoder.dimension

    def case_rows(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.embed(texts)

    def scores(self, task: str, rows: Vectors, succeeded: NDArray[np.bool_]) -> Array:
        cosines: Array = (rows @ self.encoder.embed([task])[0]).astype(np.float64)
        return cosines


def fingerprint_of(spec: EncoderSpec, head: Head) -> str:
    """16 hexadecimal digits of SHA-256 over the encoder's identity and the head's numbers."""
    digest = hashlib.sha256(spec.identity.encode())
    for name, array in sorted(head.tensors().items()):
        digest.update(f"{name}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
