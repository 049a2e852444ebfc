"""Train encoder and head together, from the head that fits the encoder as it is (as LP-FT, arXiv 2202.10054)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from memory.training.encoded import Encoded, Step, TextRows, encode
from memory.training.encoders import LibraryEncoder
from memory.training.fit_head import predict
from memory.training.head import Head
from memory.training.metrics import log_loss
from memory.training.mlp import class_weights, head_of, inputs, load_head, new_mlp
from memory.training.splits import Parts, Rows

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

EPOCHS = 3
BATCH = 32
MAX_TOKENS = 128
ENCODER_RATE, HEAD_RATE = 2e-5, 1e-4
PHASE = "fine-tuning the encoder"


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best epoch's head and vectors; the model given holds the best epoch's weights. Epoch 0 is before tuning."""

    head: Head
    encoded: Encoded
    best_epoch: int
    epochs: int
    validation_loss: float


@dataclass(slots=True)
class _Networks:
    model: SentenceTransformer
    mlp: nn.Sequential
    optimiser: Any
    weights: tuple[float, float]


def fine_tune(
    model: SentenceTransformer,
    head: Head,
    rows: TextRows,
    parts: Parts,
    *,
    epochs: int,
    seed: int,
    step: Step,
    max_seconds: float | None = None,
    untuned_may_win: bool = True,
) -> Tuned:
    """Tune a model in place; the epoch with the least validation log-loss wins.

    Args:
        model: the encoder that `head` was fitted to.
        head: where the head starts.
        epochs: at most so many; training stops at the first that is worse than the best before.
        max_seconds: no further epoch is begun, and the running one is cut, once so many have passed.
        untuned_may_win: whether the encoder stays as it was where no epoch is better.
    """
    import torch

    deadline = time.monotonic() + (max_seconds if max_seconds is not None else float("inf"))
    order = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        nets = _networks(model, head, class_weights(rows.labels[parts.train]))
        best = _measured(nets, head, rows, parts, 0, step)
        state = _weights_of(model)
        for epoch in range(1, epochs + 1):
            done = _one_epoch(nets, rows, order.permutation(parts.train), (epoch, epochs), deadline, step)
            now = _measured(nets, head_of(nets.mlp, nets.weights), rows, parts, epoch, step)
            better = now.validation_loss < best.validation_loss or (epoch == 1 and not untuned_may_win)
            if better:
                best, state = now, _weights_of(model)
            if not (better and done):
                break
    model.load_state_dict(state)
    return Tuned(best.head, best.encoded, best.best_epoch, epoch, best.validation_loss)


def _networks(model: SentenceTransformer, head: Head, weights: tuple[float, float]) -> _Networks:
    import torch

    mlp = new_mlp(head.dimension, head.hidden).to(model.device)
    load_head(mlp, head, weights)
    groups = [
        {"params": list(model.parameters()), "lr": ENCODER_RATE},
        {"params": list(mlp.parameters()), "lr": HEAD_RATE},
    ]
    return _Networks(model, mlp, torch.optim.AdamW(groups), weights)


def _one_epoch(
    nets: _Networks, rows: TextRows, order: Rows, epoch: tuple[int, int], deadline: float, step: Step
) -> bool:
    """Whether the epoch was not cut short. Texts are cut to `MAX_TOKENS` meanwhile, which few case texts reach."""
    nets.model.train()
    nets.mlp.train()
    whole = nets.model.max_seq_length
    nets.model.max_seq_length = min(whole or MAX_TOKENS, MAX_TOKENS)
    try:
        return _batches(nets, rows, order, epoch, deadline, step)
    finally:
        nets.model.max_seq_length = whole


def _batches(nets: _Networks, rows: TextRows, order: Rows, epoch: tuple[int, int], deadline: float, step: Step) -> bool:
    import torch

    batches = -(-len(order) // BATCH)
    for number in range(batches):
        if time.monotonic() > deadline:
            return False
        batch = order[number * BATCH : (number + 1) * BATCH]
        loss = _loss(nets, rows, batch)
        nets.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(nets.model.parameters(), 1.0)
        nets.optimiser.step()
        step(PHASE, (epoch[0] - 1) * batches + number + 1, epoch[1] * batches)
    return True


def _loss(nets: _Networks, rows: TextRows, batch: Rows) -> Tensor:
    import torch

    device = nets.model.device
    tasks, cases = _vectors(nets.model, rows, rows.query[batch]), _vectors(nets.model, rows, rows.case[batch])
    labels = rows.labels[batch]
    sign, target, weight = (
        torch.tensor(column, dtype=torch.float32, device=device)
        for column in (np.where(rows.succeeded[batch], 1, -1), labels, np.where(labels > 0, *nets.weights[::-1]))
    )
    logits = nets.mlp(inputs(tasks, cases, sign))[:, 0]
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, target, weight)


def _vectors(model: SentenceTransformer, rows: TextRows, places: Rows) -> Tensor:
    """Unit vectors of shape (len(places), d) with gradients; a text that occurs twice is encoded once."""
    import torch

    distinct, where = np.unique(places, return_inverse=True)
    features = model.preprocess([rows.texts[place] for place in distinct])
    on_device = {name: v.to(model.device) if isinstance(v, torch.Tensor) else v for name, v in features.items()}
    vectors = torch.nn.functional.normalize(model(on_device)["sentence_embedding"], dim=1)
    return vectors[torch.from_numpy(where).to(vectors.device)]


def _measured(nets: _Networks, head: Head, rows: TextRows, parts: Parts, epoch: int, step: Step) -> Tuned:
    nets.model.eval()
    encoder = LibraryEncoder(nets.model, "tuning")
    encoded = encode(rows, encoder, step, f"encoding after epoch {epoch}")
    loss = log_loss(predict(head, encoded, parts.validation), rows.labels[parts.validation])
    return Tuned(head, encoded, epoch, epoch, loss)


def _weights_of(model: SentenceTransformer) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
