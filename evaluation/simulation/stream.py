"""One run: for each task of a world predict, then learn. The policies are those of production, by the same calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.simulation.bank import SimBank
from evaluation.simulation.reader import Evidence, SimTask
from evaluation.simulation.world import World
from memory.case import Case, Reward, Step
from memory.episode import Episode, Shown, pack
from memory.features import describe
from memory.guard import within_cap
from memory.policies.base import Candidate, CasePolicy, Pick, Query

K = 4
Watch = Callable[[SimTask, Query, list[Candidate], Episode, Case], None]
"""Sees every finished task, such as to keep a log for training."""


@dataclass(frozen=True)
class Run:
    """What became of each task, arrays of shape (tasks,).

    `right`: whether the answer was right; `chance`: its true probability given the slate; `slots`: cases shown;
    `poisoned`: forged ones among them; `fitting`: successes of the right tool among them; `failures`.
    """

    right: NDArray[np.bool_]
    chance: NDArray[np.float64]
    slots: NDArray[np.int64]
    poisoned: NDArray[np.int64]
    fitting: NDArray[np.int64]
    failures: NDArray[np.int64]


def run_stream(world: World, policy: CasePolicy, *, k: int = K, guard: bool = False, watch: Watch | None = None) -> Run:
    """Run a policy through a world.

    Args:
        world: tasks, given cases and luck.
        policy: fresh; it learns on the way.
        k: the most cases to show for a task.
        guard: whether `memory.guard` holds untrusted cases to one slot where trusted ones are about as near.
        watch: called after each task.
    """
    bank = SimBank(world)
    rows = []
    arrivals = sorted(world.given, key=lambda case: (case.before, case.at))
    for task in world.tasks:
        while arrivals and arrivals[0].before <= task.row:
            case = arrivals.pop(0)
            bank.add(case.row, case.tool, case.reward, case.source, case.at, case.forged)
        rows.append(_step(bank, policy, task, k, guard, watch))
    right, chance, slots, poisoned, fitting, failures = map(np.array, zip(*rows, strict=True))
    return Run(right, chance, slots, poisoned, fitting, failures)


def _step(
    bank: SimBank, policy: CasePolicy, task: SimTask, k: int, guard: bool, watch: Watch | None
) -> tuple[bool, float, int, int, int, int]:
    reader = bank.world.spec.reader
    query, candidates = _asked(bank, policy, task, k)
    if guard:
        trusted = bank.trusted([one.case_id for one in candidates])
        candidates = within_cap([replace(one, trusted=one.case_id in trusted) for one in candidates], k)
    picks = policy.select(query, candidates, k)
    rows = [bank.row_of[pick.case_id] for pick in picks]
    rewards = {one.case_id: one.reward for one in candidates}
    cosine = bank.world.cosine[task.row]
    shown = [
        Evidence(bank.tool[row], rewards[pick.case_id] == 1, float(cosine[row]))
        for row, pick in zip(rows, picks, strict=True)
    ]
    tool, right = reader.attempt(task, shown)
    reward: Reward | None = None if task.draws[2] < bank.world.spec.unknown else (1 if right else 0)
    episode = _episode(policy, query, candidates, picks, k, len(bank.rows))
    case = _case(task, reward)
    policy.update(case, episode)
    if watch is not None:
        watch(task, query, candidates, episode, case)
    bank.shown(rows, reward)
    if reward is not None:
        bank.add(task.row, tool, reward, "ground_truth", task.at)
    fitting = sum(one.success and one.tool == task.tool for one in shown)
    failures = sum(not one.success for one in shown)
    poisoned = sum(row in bank.forged for row in rows)
    return right, reader.chance(task, shown), len(rows), poisoned, fitting, failures


def _asked(bank: SimBank, policy: CasePolicy, task: SimTask, k: int) -> tuple[Query, list[Candidate]]:
    vector = bank.world.vectors[task.row]
    if policy.pool == "hybrid":
        described = describe(bank.matches(task), len(bank.rows), task.at)
        return Query(task.text, vector, described.context), described.candidates
    compared = policy.pool in ("nearest", "nearest-successes")
    return Query(task.text, vector if compared else None), bank.pool(policy.pool, task, k)


def _episode(
    policy: CasePolicy, query: Query, candidates: list[Candidate], picks: list[Pick], k: int, size: int
) -> Episode:
    """What learning reads; the candidates that were not shown, which only off-policy estimates need, are left out."""
    by_id = {one.case_id: one for one in candidates}
    return Episode(
        policy=policy.name,
        k=k,
        bank_size=size,
        context=query.context,
        vector=pack(query.vector) if policy.records_vector and query.vector is not None else "",
        slate=tuple(
            Shown(
                case_id=pick.case_id,
                score=pick.score,
                propensity=pick.propensity,
                features=by_id[pick.case_id].features,
            )
            for pick in picks
        ),
    )


def _case(task: SimTask, reward: Reward | None) -> Case:
    plan = (Step(id=1, description=task.text, status="done"),)
    source = None if reward is None else "ground_truth"
    return Case(id=f"case {task.row:04}", task=task.text, plan=plan, reward=reward, reward_source=source,
                created_at=task.at)  # fmt: skip
