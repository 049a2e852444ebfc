"""The head while it is trained, in torch, and its way to and from `Head`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from memory.embedding import Vectors
from memory.training.head import Head

if TYPE_CHECKING:
    from torch import Tensor, nn

DROPOUT = 0.5
Array = NDArray[np.float64]


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: steps of the head are too small to share, and on a busy machine threads wait on another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def new_mlp(dimension: int, hidden: int) -> nn.Sequential:
    """Linear, ReLU, dropout, linear over [task, case, outcome], freshly drawn."""
    from torch import nn

    return nn.Sequential(nn.Linear(2 * dimension + 1, hidden), nn.ReLU(), nn.Dropout(DROPOUT), nn.Linear(hidden, 1))


def inputs(tasks: Tensor, cases: Tensor, sign: Tensor) -> Tensor:
    """The concatenation; unit vectors of shape (n, d) are stretched so that their entries are about 1 in size."""
    import torch

    stretch = math.sqrt(tasks.shape[1])
    return torch.cat([tasks * stretch, cases * stretch, sign[:, None]], dim=1)


def class_weights(labels: Array) -> tuple[float, float]:
    """Weights for labels 0 and 1 that give both outcomes the same say."""
    right = float(labels.sum())
    wrong = len(labels) - right
    return len(labels) / (2 * wrong), len(labels) / (2 * right)


def head_of(mlp: nn.Sequential, weights: tuple[float, float]) -> Head:
    """The network as it is now, with the probabilities of the unweighted data.

    Training with class weights shifts every logit by log(w1/w0); the last bias takes that back (Elkan, IJCAI 2001).
    """
    arrays = {name: tensor.detach().cpu().numpy().astype(np.float32) for name, tensor in mlp.state_dict().items()}
    first = arrays["0.weight"].T
    dimension = (first.shape[0] - 1) // 2
    stretch = np.float32(math.sqrt(dimension))
    shift = np.float32(math.log(weights[1] / weights[0]))
    return Head(
        task=np.ascontiguousarray(first[:dimension] * stretch),
        case=np.ascontiguousarray(first[dimension:-1] * stretch),
        outcome=first[-1].copy(),
        bias=arrays["0.bias"],
        out=arrays["3.weight"][0],
        out_bias=arrays["3.bias"] - shift,
    )


def load_head(mlp: nn.Sequential, head: Head, weights: tuple[float, float]) -> None:
    """Put a head's numbers into a network of its shape: the opposite of `head_of`."""
    import torch

    stretch = np.float32(math.sqrt(head.dimension))
    first = np.concatenate([head.task / stretch, head.case / stretch, head.outcome[None]]).T
    state: Mapping[str, Vectors] = {
        "0.weight": first,
        "0.bias": head.bias,
        "3.weight": head.out[None],
        "3.bias": head.out_bias + np.float32(math.log(weights[1] / weights[0])),
    }
    mlp.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in state.items()})
