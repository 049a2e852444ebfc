"""The frozen model of the simulation: how likely it solves a task, given the cases it is shown.

It imitates: it settles on one tool, by a vote. Its own knowledge votes with weight 1 in all, and each case shown votes
for the tool it used, the more the more alike its task is. So one fitting case does most of the good, further ones add
less, and misfits (another family's, lucky or forged ones) take votes away. Nothing here knows of any policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SimTask:
    """One task: what it looks like, and what the policies never see.

    `tool` solves it; `trap` is the wrong one that tempts most. `ability`: the weight, from 0 to 1, of the reader's own
    vote for the right tool. `execution`: the chance that the right tool then leads to the right answer. The draws are
    uniform on [0, 1) and the same for every policy: which tool, whether it works, whether anyone can tell.
    """

    row: int
    text: str
    at: float
    family: int
    tool: int
    trap: int
    ability: float
    execution: float
    draws: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A case as the reader takes it in: which tool it shows, how it ended, how alike its task is (a cosine)."""

    tool: int
    success: bool
    cosine: float


@dataclass(frozen=True, slots=True)
class Reader:
    """The constants of one frozen model.

    pull: votes of one shown success whose task is the same, in units of everything the model knows by itself.
    failure_pull: the same for a failure: a model copies also what is labelled as wrong, though less.
    avoid: the share of a tool's votes that one shown failure of it takes away.
    trap_share: the share of its own wrong votes that go to the trap, the rest spread evenly.
    luck: the chance to be right with a wrong tool.
    distraction: the share of the chance to carry the tool through that each misfitting case costs.
    tools: how many there are.
    """

    tools: int
    pull: float
    failure_pull: float
    avoid: float
    trap_share: float
    luck: float
    distraction: float

    def votes(self, task: SimTask, shown: Sequence[Evidence]) -> Array:
        """The weight of every tool, shape (tools,)."""
        wrong = 1.0 - task.ability
        votes = np.full(self.tools, wrong * (1 - self.trap_share) / (self.tools - 2))
        votes[task.tool] = task.ability
        votes[task.trap] = wrong * self.trap_share
        for case in shown:
            likeness = min(max(case.cosine, 0.0), 1.0)
            votes[case.tool] += likeness * (self.pull if case.success else self.failure_pull)
        for case in shown:
            if not case.success:
                votes[case.tool] *= 1 - self.avoid * min(max(case.cosine, 0.0), 1.0)
        return votes

    def chance(self, task: SimTask, shown: Sequence[Evidence]) -> float:
        """The true probability of a right answer."""
        votes = self.votes(task, shown)
        right = float(votes[task.tool] / votes.sum())
        return right * self._works(task, shown) + (1 - right) * self.luck

    def attempt(self, task: SimTask, shown: Sequence[Evidence]) -> tuple[int, bool]:
        """The tool it settles on and whether the answer is right, by the task's own draws."""
        votes = self.votes(task, shown)
        first, second, _ = task.draws
        order = np.concatenate([[task.tool], np.delete(np.arange(self.tools), task.tool)])
        bounds = np.cumsum(votes[order]) / votes.sum()
        tool = int(order[min(int(np.searchsorted(bounds, first, side="right")), self.tools - 1)])
        return tool, second < (self._works(task, shown) if tool == task.tool else self.luck)

    def _works(self, task: SimTask, shown: Sequence[Evidence]) -> float:
        misfits = sum(case.success and case.tool != task.tool for case in shown)
        works: float = task.execution * (1 - self.distraction) ** misfits
        return works
