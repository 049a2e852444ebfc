"""From values to a slate: one case after the other, none that repeats another, drawn with known probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.policies.base import Candidate, Pick

Array = NDArray[np.float64]
Contest: TypeAlias = Callable[[int, int], float]


def never(failure: int, success: int) -> float:
    """The contest in which no failure wins."""
    return 0.0


@dataclass(frozen=True, slots=True)
class SlateRules:
    """A cosine above `alike` to a case chosen already costs `redundancy` times the excess; from `same` on a case is a
    near-duplicate and left out. What is worth less than `least` is not shown, so a slate may be empty. At most
    `failures` failures are shown, as a contrast. `temperature` is that of the softmax each place is drawn from.
    """

    redundancy: float
    alike: float
    same: float
    least: float
    failures: int
    temperature: float


def choose_slate(
    candidates: Sequence[Candidate],
    values: Array,
    k: int,
    rules: SlateRules,
    noise: np.random.Generator,
    contest: Contest = never,
) -> list[Pick]:
    """Draw at most k candidates, each place from softmax(value / temperature) over what may still be shown.

    Successes come first. A failure takes the place after the last success, or with the probability of `contest` the
    last place from the success that would have had it.

    Args:
        candidates: in an order that does not depend on how they were found.
        values: of showing each, in logits, shape (n,).
        k: the most to show.
        rules: what may not be shown together.
        noise: draws the places.
        contest: how likely the best failure is worth more than the best success left, by their places in `candidates`.

    Returns:
        Picks whose score is the value less the redundancy, and whose propensity is exact given the places before.
    """
    alike = _likeness(candidates)
    open_ = values >= rules.least
    failed = np.array([one.reward == 0 for one in candidates], dtype=bool)
    nearest = np.zeros(len(candidates))
    picks: list[Pick] = []
    failures = 0
    while len(picks) < k:
        now = values - rules.redundancy * np.maximum(nearest - rules.alike, 0.0)
        may = open_ & (now >= rules.least) & (nearest < rules.same)
        successes, contrasts = may & ~failed, may & failed & (failures < rules.failures)
        if not successes.any() and not contrasts.any():
            break
        chance = _chance(now, successes, contrasts, contest if len(picks) == k - 1 else never)
        contrast = chance > 0 and noise.random() < chance
        drawn, share = _draw(np.where(contrasts if contrast else successes, now, -np.inf), rules.temperature, noise)
        picks.append(Pick(candidates[drawn].case_id, float(now[drawn]), share * (chance if contrast else 1 - chance)))
        open_[drawn] = False
        failures += int(failed[drawn])
        nearest = np.maximum(nearest, np.where(failed == failed[drawn], alike[drawn], 0.0))
    return picks


def _chance(now: Array, successes: NDArray[np.bool_], contrasts: NDArray[np.bool_], contest: Contest) -> float:
    """The probability that this place goes to a failure."""
    if not contrasts.any():
        return 0.0
    if not successes.any():
        return 1.0
    return contest(int(np.argmax(np.where(contrasts, now, -np.inf))), int(np.argmax(np.where(successes, now, -np.inf))))


def _draw(values: Array, temperature: float, noise: np.random.Generator) -> tuple[int, float]:
    """One index by the Gumbel-max trick, and its softmax probability."""
    scaled = values / temperature
    drawn = int(np.argmax(scaled + noise.gumbel(size=len(values))))
    weights = np.exp(scaled - scaled.max())
    return drawn, float(weights[drawn] / weights.sum())


def _likeness(candidates: Sequence[Candidate]) -> Array:
    """Cosines between the candidates' tasks, shape (n, n); 0 where a vector is unknown."""
    if not candidates or any(one.vector is None for one in candidates):
        return np.zeros((len(candidates), len(candidates)))
    vectors = np.stack([one.vector for one in candidates if one.vector is not None])
    likeness: Array = (vectors @ vectors.T).astype(np.float64)
    return likeness
