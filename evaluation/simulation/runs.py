"""Every policy through every world for every seed, each meeting the same tasks, cases and luck."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from configs.settings import PolicyName
from evaluation.simulation.draw import draw_world
from evaluation.simulation.learned_q import learned_cases
from evaluation.simulation.stream import run_stream
from evaluation.simulation.world import World, WorldName
from evaluation.simulation.worlds import WORLDS
from memory.policies.base import CasePolicy, PolicyOptions
from memory.policies.registry import POLICIES, make_policy

STAND_IN: PolicyName = "parametric"
"""Its production policy reads texts and a trained model, of which a simulated world has none."""
NAMES: tuple[PolicyName, ...] = tuple(dict.fromkeys([*POLICIES, STAND_IN]))
CURVE_POINTS = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of one policy. Shares from 0 to 1.

    `accuracy`: of right answers; `after`: from the poisoning or the renaming on, where there is one; `chance`: the mean
    true probability of a right answer, `accuracy` without the luck; `poisoned`: of the slots after the poisoning;
    `slots`, `fitting`, `failures`: cases shown a task; `curve`: accuracy of each of CURVE_POINTS parts of the stream.
    """

    world: WorldName
    policy: PolicyName
    guard: bool
    seed: int
    accuracy: float
    after: float
    chance: float
    poisoned: float
    slots: float
    fitting: float
    failures: float
    curve: tuple[float, ...]

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Job:
    """One world and seed, for all the policies; the unit of work."""

    world: WorldName
    seed: int
    policies: tuple[PolicyName, ...]
    guards: tuple[bool, ...]


def run_jobs(jobs: Sequence[Job], workers: int, done: Callable[[], object]) -> list[Cell]:
    """Run all jobs, in this process or in several; `done` is called after each."""
    cells: list[Cell] = []
    if workers <= 1:
        for job in jobs:
            cells.extend(run_job(job))
            done()
        return cells
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for finished in as_completed([pool.submit(run_job, job) for job in jobs]):
            cells.extend(finished.result())
            done()
    return sorted(cells, key=lambda cell: (cell.guard, cell.world, cell.policy, cell.seed))


def run_job(job: Job) -> list[Cell]:
    """All policies of a job over one draw of its world."""
    return list(_cells(job))


def fresh_policy(name: PolicyName, world: World) -> CasePolicy:
    """A policy that has seen nothing of the world's stream."""
    return learned_cases(world) if name == STAND_IN else make_policy(name, PolicyOptions(seed=world.seed))


def measure(world: World, policy: CasePolicy, guard: bool) -> Cell:
    """Run one policy through a world."""
    run = run_stream(world, policy, guard=guard)
    change = world.change
    return Cell(
        world=world.spec.name,
        policy=policy.name,
        guard=guard,
        seed=world.seed,
        accuracy=float(run.right.mean()),
        after=float(run.right[change:].mean()),
        chance=float(run.chance.mean()),
        poisoned=float(run.poisoned[change:].sum() / max(run.slots[change:].sum(), 1)),
        slots=float(run.slots.mean()),
        fitting=float(run.fitting.mean()),
        failures=float(run.failures.mean()),
        curve=tuple(float(part.mean()) for part in np.array_split(run.right, CURVE_POINTS)),
    )


def _cells(job: Job) -> Iterator[Cell]:
    world = draw_world(WORLDS[job.world], job.seed)
    for name in job.policies:
        for guard in job.guards:
            yield measure(world, fresh_policy(name, world), guard)
