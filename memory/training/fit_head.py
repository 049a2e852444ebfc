"""Train the head over fixed vectors: cross-entropy (paper eq. 16) with class weights, stopped by validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from memory.training.encoded import Encoded, Step
from memory.training.head import Head
from memory.training.metrics import log_loss
from memory.training.mlp import class_weights, head_of, inputs, new_mlp, one_thread
from memory.training.splits import Parts, Rows

if TYPE_CHECKING:
    from torch import Tensor, nn

HIDDEN = 128
EPOCHS = 200
BATCH, LEAST_BATCH, LEAST_STEPS = 256, 8, 16
"""Rows a step; fewer where the data would otherwise give less than `LEAST_STEPS` steps an epoch."""
LEARNING_RATE = 3e-4
WEIGHT_DECAY = 0.05
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Fitted:
    """The head of the best epoch (the first is 1), its validation log-loss in nats, and how many epochs were run."""

    head: Head
    best_epoch: int
    epochs: int
    validation_loss: float


def predict(head: Head, encoded: Encoded, rows: Rows) -> NDArray[np.float64]:
    """P(success) of rows, shape (len(rows),)."""
    table = encoded.rows
    case_half = head.case_half(encoded.vectors[table.case[rows]])
    return head.probability(encoded.vectors[table.query[rows]], case_half, table.succeeded[rows])


def fit_head(encoded: Encoded, parts: Parts, *, epochs: int, seed: int, step: Step) -> Fitted:
    """Train until the validation log-loss has not fallen for `PATIENCE` epochs, `epochs` at most."""
    import torch

    table = encoded.rows
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = class_weights(table.labels[parts.train])
    order = np.random.default_rng(seed)
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)
        mlp = new_mlp(encoded.vectors.shape[1], HIDDEN).to(device)
        optimiser = torch.optim.AdamW(mlp.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        vectors = torch.from_numpy(encoded.vectors).to(device)
        best: Fitted | None = None
        for epoch in range(1, epochs + 1):
            _one_epoch(mlp, optimiser, vectors, encoded, order.permutation(parts.train), weights)
            head = head_of(mlp, weights)
            loss = log_loss(predict(head, encoded, parts.validation), table.labels[parts.validation])
            if best is None or loss < best.validation_loss:
                best = Fitted(head, epoch, epoch, loss)
            step("training the head", epoch, epochs)
            if epoch - best.best_epoch >= PATIENCE:
                step("training the head", epoch, epoch)
                break
    assert best is not None  # noqa: S101  epochs is 1 or more
    return Fitted(best.head, best.best_epoch, epoch, best.validation_loss)


def _one_epoch(
    mlp: nn.Sequential,
    optimiser: object,
    vectors: Tensor,
    encoded: Encoded,
    rows: Rows,
    weights: tuple[float, float],
) -> None:
    import torch

    assert isinstance(optimiser, torch.optim.Optimizer)  # noqa: S101  typed so, torch not being imported above
    table = encoded.rows
    size = min(BATCH, max(LEAST_BATCH, len(rows) // LEAST_STEPS))
    mlp.train()
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        labels = table.labels[batch]
        sign, target, weight = (
            torch.tensor(column, dtype=torch.float32, device=vectors.device)
            for column in (np.where(table.succeeded[batch], 1, -1), labels, np.where(labels > 0, *weights[::-1]))
        )
        features = inputs(vectors[table.query[batch]], vectors[table.case[batch]], sign)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(mlp(features)[:, 0], target, weight)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimiser.step()
