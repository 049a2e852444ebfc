"""What a learning policy sees of a task and its candidates: x(q), how hard the task looks, and ψ(q, c), a case's fit.

Both are rounded once, here, so that what the journal keeps is what the policy saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from memory.case import Reward
from memory.policies.base import Candidate
from memory.trust import TRUSTED

if TYPE_CHECKING:
    from memory.embedding import Vectors

CONTEXT = ("one", "near_success_rate", "near_count", "log_bank_size", "best_cosine")
"""x(q): the share of successes among the nearest cases, how many of those are really near, the bank's size."""

FEATURES = (
    "one",
    "cosine",
    "outcome",
    "cosine_success",
    "cosine_failure",
    "gap",
    "lexical",
    "lexical_success",
    "fused",
    "trust",
    "trust_success",
    "age",
    "uses",
    "plan_length",
)
"""ψ(q, c): `outcome` is +1 or -1, `gap` is how much nearer the nearest candidate is, `fused` the reciprocal rank."""

SUCCESSES, FAILURES = 32, 16
NEAREST = 16
REALLY_NEAR = 0.6
RANK_OFFSET = 60
"""Of reciprocal rank fusion, as in its paper (Cormack, Clarke, Büttcher, SIGIR 2009)."""
DAY = 86_400.0
DECIMALS = 6

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """A case found for a task, before its features are known.

    `lexical` is its BM25 score, 0 or more; `trust` from 0 to 1; `uses` how often it was shown; `plan_length` in steps.
    """

    case_id: str
    reward: Reward
    created_at: float
    cosine: float
    lexical: float = 0.0
    trust: float = 1.0
    uses: int = 0
    plan_length: int = 1
    vector: Vectors | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """x(q), and the best candidates by fused rank with ψ(q, c)."""

    context: tuple[float, ...]
    candidates: list[Candidate]


def describe(matches: Sequence[Match], bank_size: int, now: float) -> Described:
    """Fuse the rankings by meaning and by words, keep the best of either outcome, and compute the features.

    Args:
        matches: different cases, in any order.
        bank_size: how many cases could have been found.
        now: seconds since the epoch, for the cases' ages.

    Returns:
        At most SUCCESSES successes and FAILURES failures, best fused rank first.
    """
    if not matches:
        return Described(_context(np.empty(0), np.empty(0), bank_size), [])
    cosine = np.array([match.cosine for match in matches])
    lexical = np.array([match.lexical for match in matches])
    outcome = np.array([1.0 if match.reward == 1 else -1.0 for match in matches])
    by_id = np.argsort(np.argsort(np.array([match.case_id for match in matches])))
    fused = 1 / (RANK_OFFSET + _ranks(cosine, by_id))
    fused = fused + np.where(lexical > 0, 1 / (RANK_OFFSET + _ranks(lexical, by_id)), 0.0)
    order = np.lexsort((by_id, -fused)).tolist()
    kept = _best(order, outcome)
    lexical = lexical / max(float(lexical.max()), 1e-9)
    fused = fused * (RANK_OFFSET + 1) / 2
    features = _features(matches, cosine, lexical, fused, outcome, now)
    words = np.round(lexical, DECIMALS).tolist()
    rows = features.tolist()
    candidates = [
        Candidate(
            matches[row].case_id,
            matches[row].reward,
            matches[row].created_at,
            matches[row].cosine,
            words[row],
            tuple(rows[row]),
            matches[row].vector,
            matches[row].trust >= TRUSTED,
        )
        for row in kept
    ]
    return Described(_context(cosine, outcome, bank_size), candidates)


def _features(
    matches: Sequence[Match], cosine: Array, lexical: Array, fused: Array, outcome: Array, now: float
) -> Array:
    success = outcome > 0
    trust = np.array([match.trust for match in matches])
    age = np.array([max(now - match.created_at, 0.0) for match in matches])
    columns = (
        np.ones(len(matches)),
        cosine,
        outcome,
        cosine * success,
        cosine * ~success,
        cosine.max() - cosine,
        lexical,
        lexical * success,
        fused,
        trust,
        trust * success,
        np.log1p(age / DAY) / 5,
        np.log1p([match.uses for match in matches]) / 3,
        np.minimum([match.plan_length for match in matches], 10) / 5,
    )
    rounded: Array = np.round(np.stack(columns, axis=1), DECIMALS)
    return rounded


def _context(cosine: Array, outcome: Array, bank_size: int) -> tuple[float, ...]:
    nearest = np.argsort(-cosine, kind="stable")[:NEAREST]
    weight = np.maximum(cosine[nearest], 0.0)
    right = float(weight @ (outcome[nearest] > 0))
    values = (
        1.0,
        (right + 0.5) / (float(weight.sum()) + 1.0) - 0.5,
        float((cosine[nearest] > REALLY_NEAR).sum()) / NEAREST,
        float(np.log1p(bank_size)) / 5,
        float(cosine.max(initial=0.0)),
    )
    return tuple(round(value, DECIMALS) for value in values)


def _ranks(scores: Array, by_id: NDArray[np.int64]) -> Array:
    """1 for the largest; of equal ones the one whose id comes first."""
    ranks = np.empty(len(scores))
    ranks[np.lexsort((by_id, -scores))] = np.arange(1, len(scores) + 1)
    return ranks


def _best(order: Sequence[int], outcome: Array) -> list[int]:
    room = {1.0: SUCCESSES, -1.0: FAILURES}
    kept = []
    for row in order:
        if room[float(outcome[row])] > 0:
            room[float(outcome[row])] -= 1
            kept.append(row)
    return kept
