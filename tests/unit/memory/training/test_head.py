"""The head: what it computes, that it learns, and that it says probabilities of the data as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memory.training.baselines import baselines
from memory.training.encoded import Encoded, TextRows
from memory.training.fit_head import fit_head, predict
from memory.training.head import sigmoid
from memory.training.metrics import auc
from memory.training.mlp import head_of, inputs, load_head, new_mlp
from memory.training.splits import Parts

TASKS, CASES, WIDTH = 120, 30, 8


def quiet(phase: str, done: int, total: int) -> None:
    """Nobody looks."""


def world(seed: int = 0, share: float = 0.25) -> tuple[Encoded, Parts]:
    """Six rows a task; right where task and case lie on one side of a plane each, so neither tells alone."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(TASKS + CASES, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = np.repeat(np.arange(TASKS), 6)
    case = TASKS + draw.integers(CASES, size=len(query))
    alike = np.sign(vectors[query, 0]) == np.sign(vectors[case, 0])
    labels = (draw.random(len(query)) < np.where(alike, 2 * share - 0.04, 0.04)).astype(np.float64)
    table = TextRows(
        [""] * len(vectors), query, case, case, draw.random(len(query)) < 0.5, labels, [str(n) for n in query]
    )
    row = np.arange(len(query))
    return Encoded(table, vectors), Parts(row[:480], row[480:600], row[600:])


def test_the_cut_head_computes_what_the_network_over_the_concatenation_does() -> None:
    import torch

    draw = np.random.default_rng(1)
    tasks, cases = (draw.normal(size=(5, WIDTH)).astype(np.float32) for _ in range(2))
    succeeded = np.array([True, False, True, True, False])
    mlp = new_mlp(WIDTH, 16).eval()
    sign = torch.tensor(np.where(succeeded, 1.0, -1.0), dtype=torch.float32)
    logits = mlp(inputs(torch.from_numpy(tasks), torch.from_numpy(cases), sign))[:, 0].detach().numpy()
    head = head_of(mlp, (1.0, 1.0))
    np.testing.assert_allclose(head.probability(tasks, head.case_half(cases), succeeded), sigmoid(logits), atol=1e-6)
    weighted = head_of(mlp, (0.5, 2.0)).probability(tasks, head.case_half(cases), succeeded)
    np.testing.assert_allclose(weighted, sigmoid(logits - np.log(4)), atol=1e-6)
    assert not np.allclose(head.probability(tasks, head.case_half(cases), ~succeeded), sigmoid(logits))


def test_a_head_put_back_into_a_network_is_the_same_head() -> None:
    head = head_of(new_mlp(WIDTH, 16), (0.7, 1.9))
    again = new_mlp(WIDTH, 16)
    load_head(again, head, (0.7, 1.9))
    for name, array in head_of(again, (0.7, 1.9)).tensors().items():
        np.testing.assert_allclose(array, head.tensors()[name], atol=1e-6)


def test_it_learns_which_case_suits_which_task_and_no_baseline_does() -> None:
    encoded, parts = world(share=0.5)
    fitted = fit_head(encoded, parts, epochs=120, seed=0, step=quiet)
    labels = encoded.rows.labels[parts.test]
    reached = auc(predict(fitted.head, encoded, parts.test), labels) or 0
    others = [auc(each.predicted, labels) or 0 for each in baselines(encoded, parts, "by-task")]
    assert reached > 0.9 and max(others) < 0.8, (reached, others)


def test_class_weights_do_not_spoil_the_probabilities() -> None:
    encoded, parts = world(share=0.15)
    fitted = fit_head(encoded, parts, epochs=40, seed=0, step=quiet)
    mean = float(predict(fitted.head, encoded, parts.train).mean())
    assert mean == pytest.approx(float(encoded.rows.labels[parts.train].mean()), abs=0.05)


def test_the_seed_decides_and_training_stops_when_validation_gets_worse() -> None:
    encoded, parts = world()
    shuffled = np.random.default_rng(0).permutation(encoded.rows.labels)
    noise = Encoded(replace(encoded.rows, labels=shuffled), encoded.vectors)
    told: list[tuple[int, int]] = []
    first = fit_head(noise, parts, epochs=1000, seed=4, step=lambda _phase, done, total: told.append((done, total)))
    assert first.epochs < 1000 and first.best_epoch < first.epochs
    assert told[-1] == (first.epochs, first.epochs)
    same, other = (fit_head(noise, parts, epochs=1000, seed=seed, step=quiet) for seed in (4, 5))
    np.testing.assert_array_equal(same.head.task, first.head.task)
    assert not np.array_equal(other.head.task, first.head.task)


def test_a_lookup_table_is_perfect_where_rows_leak() -> None:
    encoded, _ = world()
    rows = np.arange(len(encoded.rows.query))
    by_task = Encoded(replace(encoded.rows, labels=(encoded.rows.query % 2).astype(float)), encoded.vectors)
    leaky = Parts(rows[rows % 6 < 4], rows[rows % 6 == 4], rows[rows % 6 == 5])
    guesses = {each.name: each for each in baselines(by_task, leaky, "leaky-rows")}
    labels = by_task.rows.labels[leaky.test]
    assert auc(guesses["lookup table by task"].predicted, labels) == 1
    assert auc(guesses["1 nearest training task"].predicted, labels) == 1
    assert auc(guesses["base rate"].predicted, labels) == 0.5
    assert "lookup table by task" not in {each.name for each in baselines(by_task, leaky, "by-task")}
