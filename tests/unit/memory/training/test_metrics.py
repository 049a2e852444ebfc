"""AUC with ties, its interval over tasks, log-loss, calibration."""

from __future__ import annotations

import numpy as np
import pytest

from memory.training.metrics import auc, auc_interval, log_loss, reliability, score

DRAW = np.random.default_rng(3)


def by_pairs(scores: list[float], labels: list[float], weights: list[float]) -> float:
    """The definition: every pair of a right and a wrong row."""
    won = total = 0.0
    for s, y, w in zip(scores, labels, weights, strict=True):
        for t, z, v in zip(scores, labels, weights, strict=True):
            if y == 1 and z == 0:
                won += w * v * (1.0 if s > t else 0.5 if s == t else 0.0)
                total += w * v
    return won / total


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_auc_is_the_share_of_pairs_in_order(levels: int) -> None:
    scores = DRAW.integers(levels, size=60) / levels
    labels = DRAW.integers(2, size=60).astype(float)
    weights = DRAW.integers(4, size=60).astype(float)
    assert auc(scores, labels, weights) == pytest.approx(by_pairs(scores.tolist(), labels.tolist(), weights.tolist()))
    assert auc(scores, labels) == pytest.approx(by_pairs(scores.tolist(), labels.tolist(), [1.0] * 60))


def test_auc_of_one_outcome_is_unknown() -> None:
    ones = np.ones(4)
    assert auc(np.arange(4.0), ones) is None
    told = score("x", np.full(4, 0.9), ones, list("abcd"), seed=0)
    assert (told.auc, told.low, told.high) == (None, None, None) and told.log_loss == pytest.approx(-np.log(0.9))


def test_the_interval_holds_the_auc_and_counts_tasks_not_rows() -> None:
    labels = (np.arange(40) % 2).astype(float)
    scores = labels + DRAW.normal(size=40)
    rows = auc_interval(scores, labels, [str(n) for n in range(40)], 0)
    eight_times = auc_interval(
        np.repeat(scores, 8), np.repeat(labels, 8), [str(n) for n in range(40) for _ in range(8)], 0
    )
    assert rows[0] is not None and rows[1] is not None
    assert rows[0] < (auc(scores, labels) or 0) < rows[1]
    assert eight_times == pytest.approx(rows)  # rows of one task are no further evidence
    assert auc_interval(scores, labels, [str(n) for n in range(40)], 0) == rows


def test_log_loss_is_finite_when_certain_and_wrong() -> None:
    assert log_loss(np.array([0.25, 0.5]), np.array([0.0, 1.0])) == pytest.approx(-(np.log(0.75) + np.log(0.5)) / 2)
    assert log_loss(np.array([0.0, 1.0]), np.array([1.0, 0.0])) == pytest.approx(-np.log(1e-6))


def test_calibration_error_is_the_distance_between_said_and_seen() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    predicted = np.array([0.25, 0.25, 0.25, 0.25, 1.0, 1.0])
    groups = list("abcdef")
    assert score("x", predicted, labels, groups, seed=0).ece == pytest.approx(0)
    assert score("x", 1 - predicted, labels, groups, seed=0).ece == pytest.approx(0.5 * 4 / 6 + 2 / 6)
    assert [(each.low, each.rows, each.observed) for each in reliability(predicted, labels)] == [
        (0.2, 4, 0.25),
        (0.9, 2, 1),
    ]


def test_scores_that_are_no_probabilities_get_no_probability_measures() -> None:
    told = score("x", np.array([-3.0, 8.0]), np.array([0.0, 1.0]), ["a", "b"], seed=0, probabilities=False)
    assert (told.auc, told.log_loss, told.ece, told.reliability) == (1.0, None, None, ())
