"""What Q(task, case) must beat: guesses that need no training, or a table of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.training.encoded import Encoded
from memory.training.splits import Parts, Split

NEIGHBOURS = 16
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guess:
    """A baseline's predictions for the test rows, shape (len(test),)."""

    name: str
    predicted: Array
    probabilities: bool = True


def baselines(encoded: Encoded, parts: Parts, split: Split) -> list[Guess]:
    """All of them, in the order to show; a lookup table only where the split lets one work."""
    rates = encoded.rows.labels[parts.train]
    base = Guess("base rate", np.full(len(parts.test), rates.mean()))
    guesses = [base, _source(encoded, parts), _cosine(encoded, parts)]
    guesses += [_neighbours(encoded, parts, count) for count in (1, NEIGHBOURS)]
    return [*guesses, _lookup(encoded, parts)] if split == "leaky-rows" else guesses


def _source(encoded: Encoded, parts: Parts) -> Guess:
    """How often tasks went right after a case of that outcome was shown; nothing else of the case."""
    table = encoded.rows
    predicted = np.empty(len(parts.test))
    for outcome in (False, True):
        labels = table.labels[parts.train][table.succeeded[parts.train] == outcome]
        predicted[table.succeeded[parts.test] == outcome] = (labels.sum() + 1) / (len(labels) + 2)
    return Guess("source: the case's outcome", predicted)


def _cosine(encoded: Encoded, parts: Parts) -> Guess:
    """The cosine of the task and the case's task (paper eq. 13)."""
    table = encoded.rows
    tasks, cases = encoded.vectors[table.query[parts.test]], encoded.vectors[table.case_task[parts.test]]
    return Guess("nearest: cosine of task and case", (tasks * cases).sum(axis=1).astype(np.float64), False)


def _neighbours(encoded: Encoded, parts: Parts, count: int) -> Guess:
    """The mean outcome of the most alike training tasks, whatever the case, with one base rate mixed in."""
    rates, vectors = _by_group(encoded, parts)
    queries, where = np.unique(encoded.rows.query[parts.test], return_inverse=True)
    likeness = encoded.vectors[queries] @ vectors.T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
    base = float(encoded.rows.labels[parts.train].mean())
    predicted = (rates[nearest].sum(axis=1) + base) / (nearest.shape[1] + 1)
    return Guess(f"{count} nearest training task{'s' if count > 1 else ''}", predicted[where])


def _by_group(encoded: Encoded, parts: Parts) -> tuple[Array, NDArray[np.float32]]:
    """The success rate and the vector of each training task."""
    table = encoded.rows
    members: dict[str, list[int]] = {}
    for row in parts.train.tolist():
        members.setdefault(table.groups[row], []).append(row)
    rates = np.array([table.labels[rows].mean() for rows in members.values()])
    return rates, encoded.vectors[[table.query[rows[0]] for rows in members.values()]]


def _lookup(encoded: Encoded, parts: Parts) -> Guess:
    """The outcome the same task had in a training row: no learning at all."""
    table = encoded.rows
    seen: dict[str, list[float]] = {}
    for row in parts.train.tolist():
        seen.setdefault(table.groups[row], []).append(float(table.labels[row]))
    base = float(table.labels[parts.train].mean())
    rates = [seen.get(table.groups[row], [base]) for row in parts.test.tolist()]
    return Guess("lookup table by task", np.array([sum(each) / len(each) for each in rates]))
