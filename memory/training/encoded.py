"""Rows as vectors. A text occurs in many rows and is encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Embedder, Vectors
from memory.training.examples import Example
from memory.training.splits import Rows

CHUNK = 128
Step: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class TextRows:
    """The distinct texts, and where the texts of each of n rows are among them; labels and outcomes of shape (n,)."""

    texts: list[str]
    query: Rows
    case: Rows
    case_task: Rows
    succeeded: NDArray[np.bool_]
    labels: NDArray[np.float64]
    groups: list[str]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows, and the unit vectors of their texts, shape (len(texts), d)."""

    rows: TextRows
    vectors: Vectors


def text_rows(rows: Sequence[Example]) -> TextRows:
    """Collect the distinct texts."""
    place: dict[str, int] = {}
    columns = [
        np.array([place.setdefault(text, len(place)) for text in column], dtype=np.int64)
        for column in ([r.query for r in rows], [r.case_text for r in rows], [r.case_task for r in rows])
    ]
    succeeded = np.array([row.succeeded for row in rows], dtype=bool)
    labels = np.array([row.label for row in rows], dtype=np.float64)
    query, case, case_task = columns
    return TextRows(list(place), query, case, case_task, succeeded, labels, [row.group for row in rows])


def encode(rows: TextRows, encoder: Embedder, step: Step, phase: str = "encoding") -> Encoded:
    """Run every distinct text through the encoder."""
    parts = []
    for start in range(0, len(rows.texts), CHUNK):
        parts.append(encoder.embed(rows.texts[start : start + CHUNK]))
        step(phase, min(start + CHUNK, len(rows.texts)), len(rows.texts))
    return Encoded(rows, np.concatenate(parts))
