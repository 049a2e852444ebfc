"""A world of the simulation: families of tasks, what they look like, the bank at the start, what happens on the way.

Everything is drawn from one seed before any policy runs, so all policies meet the same tasks, cases and luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluation.simulation.reader import Reader, SimTask
from memory.case import Reward, RewardSource

WorldName: TypeAlias = Literal["clean", "misaligned", "finely-aligned", "poisoned", "failures-useful", "drifting"]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Looks:
    """What of a task's unit vector comes from where, as shares of its squared length; the rest is noise.

    With the values of `clean` two tasks of one family have cosine 0.70 ± 0.10, two of different ones 0.0 ± 0.15, which
    is what small sentence encoders give for rewordings of a question and for unrelated ones. `dimension` is small for
    speed: noise is then larger than in 384 dimensions, never smaller.
    """

    topic: float = 0.55
    skill: float = 0.15
    dimension: int = 48


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a task's text, by where they come from, and how many different ones there are to draw from."""

    topic: int = 6
    skill: int = 2
    other: int = 4
    topic_vocabulary: int = 20
    skill_vocabulary: int = 8
    other_vocabulary: int = 300


@dataclass(frozen=True, slots=True)
class WorldSpec:
    """The parameters of a world; see `evaluation.simulation.worlds` for the values and why.

    tasks: in the stream. hours: between two tasks. families: kinds of task, of Zipf popularity with exponent `zipf`.
    topics: what families can look like; with fewer topics than families, several look alike and need different tools.
    own, imports: cases in the bank at the start. import_success, import_right: the share of imports that claim success,
    and of those that used the right tool. unknown: the share of tasks whose outcome nobody can tell.
    forged: forged successes for each of the `forged_families` most popular families, arriving as imports before task
    tasks·forged_at, with noise of share `forged_noise`. renamed: the share of families whose tool is renamed at
    tasks·renamed_at.
    """

    name: WorldName
    reader: Reader
    looks: Looks = Looks()
    words: Words = Words()
    tasks: int = 600
    hours: float = 2.0
    families: int = 24
    topics: int = 24
    tools: int = 8
    zipf: float = 0.8
    own: int = 40
    imports: int = 80
    import_success: float = 0.8
    import_right: float = 0.85
    unknown: float = 0.05
    forged: int = 0
    forged_families: int = 8
    forged_at: float = 1 / 3
    forged_noise: float = 0.2
    renamed: float = 0.0
    renamed_at: float = 0.5


@dataclass(frozen=True, slots=True)
class SimCase:
    """A case that exists whatever the policy does: one of the start, or an arrival before task number `before`."""

    row: int
    tool: int
    reward: Reward
    source: RewardSource
    at: float
    before: int = 0
    forged: bool = False


@dataclass(frozen=True)
class World:
    """One draw of a world. Rows index the tasks first, then the given cases; `cosine` and `lexical` compare them."""

    spec: WorldSpec
    seed: int
    tasks: list[SimTask]
    given: list[SimCase]
    vectors: Floats
    bags: NDArray[np.bool_]

    @property
    def change(self) -> int:
        """The number of the first task after the poisoning or the renaming; 0 where nothing happens."""
        if self.spec.forged:
            return round(self.spec.tasks * self.spec.forged_at)
        return round(self.spec.tasks * self.spec.renamed_at) if self.spec.renamed else 0

    @cached_property
    def cosine(self) -> Floats:
        """Shape (tasks, rows)."""
        cosines: Floats = self.vectors[: len(self.tasks)] @ self.vectors.T
        return cosines

    @cached_property
    def lexical(self) -> Floats:
        """Shared words weighted by rarity, as BM25 does for texts of one length; shape (tasks, rows)."""
        share = self.bags.mean(axis=0)
        weighted = self.bags * np.log(1 + (1 - share) / (share + 1e-3))
        overlap: Floats = (weighted[: len(self.tasks)] @ self.bags.T.astype(float)).astype(np.float32)
        return overlap
