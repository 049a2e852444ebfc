"""The simulation's stand-in for `parametric`: Q(task, case) of the paper (eq. 15-16), trained offline and then fixed.

The encoder is the world's vectors, frozen. The head is the paper's: two layers on the concatenated vectors, here with
the case's outcome as one more input, cross-entropy against the task's reward. It is trained on the log of another
stream of the same world (same families, other tasks) under `cosine`, from before any poisoning or renaming, because a
training that lies in the past cannot know of them. Production's encoder is a language model and may do better or worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from configs.settings import PolicyName
from evaluation.simulation.draw import draw_world
from evaluation.simulation.reader import SimTask
from evaluation.simulation.stream import run_stream
from evaluation.simulation.world import World
from memory.case import Case
from memory.episode import Episode
from memory.policies.base import Candidate, Pick, Pool, Query, UnlearnedPolicy
from memory.policies.cosine import CosineCases

LOG_STREAM = 1
HIDDEN, EPOCHS, BATCH, RATE, DECAY = 64, 30, 64, 2e-3, 1e-3
"""Hidden units, passes over the log, rows a step, Adam's rate, and its weight decay a step."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LearnedQ:
    """The head's weights: (inputs, HIDDEN), (HIDDEN,), (HIDDEN,), (1,)."""

    weights: tuple[Array, Array, Array, Array]

    def logits(self, inputs: Array) -> Array:
        """Of success, for rows of [task vector, case vector, outcome as +1 or -1]."""
        first, bias, out, out_bias = self.weights
        logits: Array = np.maximum(inputs @ first + bias, 0) @ out + out_bias
        return logits


class LearnedCases(UnlearnedPolicy):
    """The K cases of largest Q among all of the bank."""

    name: PolicyName = "parametric"
    pool: Pool = "roster"

    def __init__(self, world: World, q: LearnedQ) -> None:
        self._q = q
        self._vectors = {f"case {row:04}": vector for row, vector in enumerate(world.vectors)}
        self._tasks = {task.text: world.vectors[task.row] for task in world.tasks}

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        if not candidates or k <= 0:
            return []
        cases = np.stack([self._vectors[one.case_id] for one in candidates])
        outcomes = np.array([1.0 if one.reward == 1 else -1.0 for one in candidates])
        task = np.broadcast_to(self._tasks[query.task], cases.shape)
        scores = self._q.logits(np.concatenate([task, cases, outcomes[:, None]], axis=1, dtype=float))
        return [Pick(candidates[at].case_id, float(scores[at])) for at in np.argsort(-scores, kind="stable")[:k]]


def learned_cases(world: World) -> LearnedCases:
    """The policy for a world, trained on the log of another stream of it."""
    past = replace(world.spec, forged=0, renamed=0.0)
    inputs, rewards = _log(draw_world(past, world.seed, LOG_STREAM))
    return LearnedCases(world, _fit(inputs, rewards, np.random.default_rng([world.seed, LOG_STREAM])))


def _log(world: World) -> tuple[Array, Array]:
    """One row for every case shown to a task whose outcome is known."""
    rows: list[Array] = []
    rewards: list[float] = []

    def watch(task: SimTask, query: Query, candidates: list[Candidate], episode: Episode, case: Case) -> None:
        outcomes = {one.case_id: one.reward for one in candidates}
        for shown in episode.slate if case.reward is not None else ():
            vector = world.vectors[int(shown.case_id.removeprefix("case "))]
            sign = 1.0 if outcomes[shown.case_id] == 1 else -1.0
            rows.append(np.concatenate([world.vectors[task.row], vector, [sign]]))
            rewards.append(float(case.reward or 0))

    run_stream(world, CosineCases(), watch=watch)
    return np.stack(rows), np.array(rewards)


def _fit(inputs: Array, rewards: Array, rng: np.random.Generator) -> LearnedQ:
    """Cross-entropy by Adam (Kingma and Ba, arXiv 1412.6980)."""
    width = inputs.shape[1]
    first = rng.standard_normal((width, HIDDEN)) * np.sqrt(2 / width)
    weights = [first, np.zeros(HIDDEN), rng.standard_normal(HIDDEN) / np.sqrt(HIDDEN), np.zeros(1)]
    mean, square = [np.zeros_like(one) for one in weights], [np.zeros_like(one) for one in weights]
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(inputs))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            step += 1
            for at, slope in enumerate(_slopes(weights, inputs[rows], rewards[rows])):
                mean[at] = 0.9 * mean[at] + 0.1 * slope
                square[at] = 0.999 * square[at] + 0.001 * slope**2
                scaled = mean[at] / (1 - 0.9**step) / (np.sqrt(square[at] / (1 - 0.999**step)) + 1e-8)
                weights[at] = weights[at] - RATE * scaled - DECAY * weights[at]
    return LearnedQ((weights[0], weights[1], weights[2], weights[3]))


def _slopes(weights: Sequence[Array], inputs: Array, rewards: Array) -> list[Array]:
    """Gradients of the mean cross-entropy."""
    first, bias, out, out_bias = weights
    hidden = np.maximum(inputs @ first + bias, 0)
    error = (1 / (1 + np.exp(-(hidden @ out + out_bias))) - rewards) / len(rewards)
    back = np.outer(error, out) * (hidden > 0)
    return [inputs.T @ back, back.sum(axis=0), hidden.T @ error, np.array([error.sum()])]
