"""How good predicted probabilities of success are: ranking (AUC), log-loss, and whether they mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 1000
BINS = 10
CLIP = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions in [low, high): how many, their mean, and the share that came true."""

    low: float
    high: float
    rows: int
    predicted: float
    observed: float


@dataclass(frozen=True, slots=True)
class Score:
    """What a predictor reached on the test rows.

    `auc` is None where only one outcome occurs; `low` and `high` are its 95% interval over tasks. `log_loss` (in nats),
    `ece` and `reliability` are for predictors that give probabilities.
    """

    name: str
    auc: float | None
    low: float | None
    high: float | None
    log_loss: float | None = None
    ece: float | None = None
    reliability: tuple[Bin, ...] = ()


def score(
    name: str, predicted: Array, labels: Array, groups: Sequence[str], *, seed: int, probabilities: bool = True
) -> Score:
    """Measure predictions of shape (n,) against labels 0 and 1; rows of one group are resampled together."""
    low, high = auc_interval(predicted, labels, groups, seed)
    area = auc(predicted, labels)
    if not probabilities:
        return Score(name, area, low, high)
    bins = reliability(predicted, labels)
    error = sum(each.rows * abs(each.predicted - each.observed) for each in bins) / len(labels)
    return Score(name, area, low, high, log_loss(predicted, labels), error, bins)


def auc(scores: Array, labels: Array, weights: Array | None = None) -> float | None:
    """The chance that a right row scores above a wrong one, ties counting half; None where one kind is missing."""
    order = np.argsort(scores, kind="stable")
    weight = np.ones(len(labels)) if weights is None else weights[order]
    right = weight * labels[order]
    wrong = weight - right
    total = float(right.sum() * wrong.sum())
    if total == 0:
        return None
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    right_ties, wrong_ties = np.add.reduceat(right, starts), np.add.reduceat(wrong, starts)
    below = np.cumsum(wrong_ties) - wrong_ties
    return float((right_ties * (below + wrong_ties / 2)).sum() / total)


def auc_interval(
    scores: Array, labels: Array, groups: Sequence[str], seed: int, resamples: int = RESAMPLES
) -> tuple[float, float] | tuple[None, None]:
    """The 95% percentile interval of the AUC under the bootstrap that draws whole groups with replacement."""
    names, group_of = np.unique(np.asarray(groups), return_inverse=True)
    draw = np.random.default_rng(seed)
    areas = []
    for _ in range(resamples):
        times = np.bincount(draw.integers(len(names), size=len(names)), minlength=len(names))
        area = auc(scores, labels, times[group_of].astype(np.float64))
        if area is not None:
            areas.append(area)
    if not areas:
        return None, None
    low, high = np.percentile(areas, [2.5, 97.5])
    return float(low), float(high)


def log_loss(predicted: Array, labels: Array) -> float:
    """Mean negative log-likelihood in nats; predictions are clipped to [1e-6, 1 - 1e-6]."""
    p = np.clip(predicted, CLIP, 1 - CLIP)
    return float(-np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p)))


def reliability(predicted: Array, labels: Array) -> tuple[Bin, ...]:
    """Ten bins of equal width; empty ones are left out."""
    at = np.minimum((predicted * BINS).astype(int), BINS - 1)
    made = []
    for place in np.unique(at):
        inside = at == place
        low, high = place / BINS, (place + 1) / BINS
        made.append(Bin(low, high, int(inside.sum()), float(predicted[inside].mean()), float(labels[inside].mean())))
    return tuple(made)
