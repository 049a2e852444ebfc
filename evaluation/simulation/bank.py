"""The bank of one simulated run: which cases there are, what has become of them, and every policy's pool from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evaluation.simulation.reader import SimTask
from evaluation.simulation.world import Floats, World
from memory.case import Reward, RewardSource
from memory.features import Match
from memory.policies.base import Candidate, Pool

NEAREST = 64
"""Found by meaning, and as many by words."""
PRIOR_TRUST = {"ground_truth": 1.0, "verifier": 1.0, "person": 1.0, "judge": 0.7, "import": 0.3}
PRIOR_SHOWS = 4.0
"""How many times a case must be shown for its record to weigh as much as its source."""
TRUSTED = 0.5
ABOUT_AS_NEAR = 0.1

Rows = NDArray[np.int64]


@dataclass
class SimBank:
    """Cases by row of the world, in the order they were written; only those with a known outcome."""

    world: World
    guard: bool = False
    rows: list[int] = field(default_factory=list)
    tool: dict[int, int] = field(default_factory=dict)
    forged: set[int] = field(default_factory=set)
    row_of: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.world.vectors)
        self._success = np.zeros(size, dtype=bool)
        self._prior = np.ones(size)
        self._shows, self._solved = np.zeros(size), np.zeros(size)
        self._written: dict[int, Candidate] = {}

    def add(self, row: int, tool: int, reward: Reward, source: RewardSource, at: float, forged: bool = False) -> None:
        """Write a case."""
        case_id = f"case {row:04}"
        self.row_of[case_id] = row
        self.rows.append(row)
        self._written[row] = Candidate(case_id, reward, at)
        self.tool[row] = tool
        self._success[row], self._prior[row] = reward == 1, PRIOR_TRUST[source]
        if forged:
            self.forged.add(row)

    def shown(self, rows: list[int], reward: Reward) -> None:
        """Count the outcome of a task for the cases it was shown."""
        self._shows[rows] += 1
        self._solved[rows] += reward

    def trust(self, rows: Rows) -> NDArray[np.float64]:
        """From 0 to 1: by source at first, by the outcomes of the tasks it was shown for with time."""
        trust: NDArray[np.float64] = (PRIOR_SHOWS * self._prior[rows] + self._solved[rows]) / (
            PRIOR_SHOWS + self._shows[rows]
        )
        return trust

    def open_rows(self, task: SimTask) -> Rows:
        """The rows a policy may choose from: all of them, or what the guard against untrusted cases leaves.

        The guard keeps the nearest untrusted case, and of the others only those for which there are not a slate's worth
        (4) of trusted cases of the same outcome about as near.
        """
        rows = np.array(self.rows, dtype=np.int64)
        if not self.guard or not len(rows):
            return rows
        cosine, trusted, success = self.world.cosine[task.row, rows], self.trust(rows) >= TRUSTED, self._success[rows]
        enough = np.zeros(len(rows))
        for outcome in (True, False):
            known = np.sort(cosine[trusted & (success == outcome)])[::-1]
            enough[success == outcome] = known[3] if len(known) > 3 else np.inf
        dropped = ~trusted & (enough >= cosine - ABOUT_AS_NEAR) & (enough < np.inf)
        doubtful = np.flatnonzero(~trusted)
        if len(doubtful):
            dropped[doubtful[np.argmax(cosine[doubtful])]] = False
        return rows[~dropped]

    def pool(self, pool: Pool, task: SimTask, k: int) -> list[Candidate]:
        """A policy's candidates by its pool; the hybrid pool is `matches`, described."""
        if pool == "none":
            return []
        rows = self.open_rows(task)
        if pool in ("roster", "newest"):
            roster = [self._written[row] for row in rows.tolist()]
            return roster if pool == "roster" else sorted(roster, key=lambda one: one.created_at)[-k:]
        if pool == "nearest-successes":
            rows = rows[self._success[rows]]
        found = _top(self.world.cosine[task.row], rows)
        cosine = self.world.cosine[task.row, found].tolist()
        return [
            Candidate(one.case_id, one.reward, one.created_at, near)
            for one, near in zip(map(self._written.__getitem__, found.tolist()), cosine, strict=True)
        ]

    def matches(self, task: SimTask) -> list[Match]:
        """The nearest by meaning and by words, for `memory.features.describe`."""
        rows = self.open_rows(task)
        cosine, lexical = self.world.cosine[task.row], self.world.lexical[task.row]
        found = np.union1d(_top(cosine, rows), _top(lexical, rows))
        columns = (cosine[found].tolist(), lexical[found].tolist(), self.trust(found).tolist(), self._shows[found].tolist())
        return [
            Match(one.case_id, one.reward, one.created_at, near, words, trust, int(uses), 1, self.world.vectors[row])
            for row, one, near, words, trust, uses in zip(
                found.tolist(), map(self._written.__getitem__, found.tolist()), *columns, strict=True
            )
        ]


def _top(scores: Floats, rows: Rows) -> Rows:
    """The rows of the largest scores, largest first; of equal ones the first written."""
    if len(rows) > NEAREST:
        rows = rows[np.sort(np.argpartition(-scores[rows], NEAREST)[:NEAREST])]
    return rows[np.argsort(-scores[rows], kind="stable")]
