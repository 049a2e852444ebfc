"""The bank of one simulated run: which cases there are, what has become of them, and every policy's pool from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evaluation.simulation.reader import SimTask
from evaluation.simulation.world import Floats, World
from memory.candidates import HYBRID, SPARE
from memory.case import Reward, RewardSource
from memory.features import Match
from memory.policies.base import Candidate, Pool
from memory.trust import TRUSTED, earned_trust, prior_trust

Rows = NDArray[np.int64]


@dataclass
class SimBank:
    """Cases by row of the world, in the order they were written; only those with a known outcome."""

    world: World
    rows: list[int] = field(default_factory=list)
    tool: dict[int, int] = field(default_factory=dict)
    forged: set[int] = field(default_factory=set)
    row_of: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.world.vectors)
        self._success = np.zeros(size, dtype=bool)
        self._prior = np.ones(size)
        self._uses, self._judged, self._wins = np.zeros(size), np.zeros(size), np.zeros(size)
        self._written: dict[int, Candidate] = {}

    def add(self, row: int, tool: int, reward: Reward, source: RewardSource, at: float, forged: bool = False) -> None:
        """Write a case."""
        case_id = f"case {row:04}"
        self.row_of[case_id] = row
        self.rows.append(row)
        self._written[row] = Candidate(case_id, reward, at)
        self.tool[row] = tool
        self._success[row], self._prior[row] = reward == 1, prior_trust(source, vouched=source != "import")
        if forged:
            self.forged.add(row)

    def shown(self, rows: list[int], reward: Reward | None) -> None:
        """Count a finished task for the cases it was shown."""
        self._uses[rows] += 1
        self._judged[rows] += reward is not None
        self._wins[rows] += reward == 1

    def trusted(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that production's guard would call trusted."""
        rows = np.array([self.row_of[id_] for id_ in ids], dtype=np.int64)
        return {id_ for id_, trust in zip(ids, self.trust(rows), strict=True) if trust >= TRUSTED}

    def trust(self, rows: Rows) -> list[float]:
        """From 0 to 1, as `memory.trust` has it: by source at first, then also by the tasks a case was shown for."""
        base_rate = self._wins.sum() / max(self._judged.sum(), 1)
        told = zip(self._prior[rows].tolist(), self._judged[rows].tolist(), self._wins[rows].tolist(), strict=True)
        return [earned_trust(prior, int(judged), int(wins), base_rate) for prior, judged, wins in told]

    def pool(self, pool: Pool, task: SimTask, k: int) -> list[Candidate]:
        """A policy's candidates by its pool; the hybrid pool is `matches`, described."""
        if pool == "none":
            return []
        rows = np.array(self.rows, dtype=np.int64)
        if pool in ("roster", "newest"):
            roster = [self._written[row] for row in rows.tolist()]
            return roster if pool == "roster" else sorted(roster, key=lambda one: one.created_at)[-k:]
        if pool == "nearest-successes":
            rows = rows[self._success[rows]]
        found = _top(self.world.cosine[task.row], rows, SPARE * k)
        cosine = self.world.cosine[task.row, found].tolist()
        return [
            Candidate(one.case_id, one.reward, one.created_at, near)
            for one, near in zip(map(self._written.__getitem__, found.tolist()), cosine, strict=True)
        ]

    def matches(self, task: SimTask) -> list[Match]:
        """The nearest by meaning and by words, for `memory.features.describe`."""
        rows = np.array(self.rows, dtype=np.int64)
        cosine, lexical = self.world.cosine[task.row], self.world.lexical[task.row]
        found = np.union1d(_top(cosine, rows, HYBRID), _top(lexical, rows, HYBRID))
        columns = (cosine[found].tolist(), lexical[found].tolist(), self.trust(found), self._uses[found].tolist())
        return [
            Match(one.case_id, one.reward, one.created_at, near, words, trust, int(uses), 1, self.world.vectors[row])
            for row, one, near, words, trust, uses in zip(
                found.tolist(), map(self._written.__getitem__, found.tolist()), *columns, strict=True
            )
        ]


def _top(scores: Floats, rows: Rows, count: int) -> Rows:
    """The rows of the largest scores, largest first; of equal ones the first written."""
    if len(rows) > count:
        rows = rows[np.sort(np.argpartition(-scores[rows], count)[:count])]
    return rows[np.argsort(-scores[rows], kind="stable")]
