"""The prequential stream: paired for all policies, learning only from what has ended, never from the truth."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evaluation.simulation.reader as reader_module
from configs.settings import PolicyName
from evaluation.simulation.draw import draw_world
from evaluation.simulation.learned_q import learned_cases
from evaluation.simulation.reader import SimTask
from evaluation.simulation.runs import NAMES, fresh_policy, measure
from evaluation.simulation.stream import Watch, run_stream
from evaluation.simulation.world import World, WorldName
from evaluation.simulation.worlds import WORLDS
from memory.case import Case
from memory.episode import Episode
from memory.policies.base import Candidate, CasePolicy, Pick, PolicyOptions, Pool, Query
from memory.policies.cosine_success import CosineSuccess
from memory.policies.registry import make_policy


@cache
def world(name: WorldName = "clean", tasks: int = 90) -> World:
    return draw_world(replace(WORLDS[name], tasks=tasks), 0)


class Oracle:
    """Shows four fitting successes where there are any: it reads the truth, which no policy may."""

    name: PolicyName = "recent"
    pool: Pool = "roster"
    records_vector = False

    def __init__(self, world: World) -> None:
        self.needs = {task.text: task.tool for task in world.tasks}
        self.used = {f"case {case.row:04}": case.tool for case in world.given if case.reward == 1}
        self.cosine = {task.text: world.cosine[task.row] for task in world.tasks}

    def select(self, query: Query, candidates: Sequence[Candidate], k: int) -> list[Pick]:
        fit = [one for one in candidates if self.used.get(one.case_id) == self.needs[query.task]]
        fit.sort(key=lambda one: -self.cosine[query.task][int(one.case_id.split()[1])])
        return [Pick(one.case_id, 0.0) for one in fit[:k]]

    def update(self, case: Case, episode: Episode) -> None:
        return None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        return None


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_runs_and_a_run_repeats(name: PolicyName) -> None:
    runs = [run_stream(world(), fresh_policy(name, world())) for _ in range(2)]
    assert all((getattr(runs[0], field) == getattr(runs[1], field)).all() for field in ("right", "slots", "chance"))
    assert runs[0].slots.max() == (0 if name == "none" else 4)


def keeping(met: list[str]) -> Watch:
    def watch(task: SimTask, query: Query, candidates: list[Candidate], episode: Episode, case: Case) -> None:
        met.append(query.task)

    return watch


def test_every_policy_meets_the_same_tasks() -> None:
    for name in ("none", "cosine-success", "bandit"):
        met: list[str] = []
        run_stream(world(), make_policy(name, PolicyOptions()), watch=keeping(met))
        assert met == [task.text for task in world().tasks]


def test_fitting_cases_are_worth_showing() -> None:
    none = run_stream(world(), make_policy("none", PolicyOptions()))
    oracle = run_stream(world(), Oracle(world()))
    assert oracle.chance.mean() > none.chance.mean() + 0.2
    assert (oracle.chance >= none.chance - 1e-9).all()


def test_poison_reaches_the_slates_and_hurts() -> None:
    poisoned = world("poisoned", 240)
    run = run_stream(poisoned, CosineSuccess())
    assert run.poisoned[: poisoned.change].sum() == 0
    late = slice(poisoned.change, None)
    hit = run.poisoned[late] >= 2
    assert 0.2 < hit.mean() < 0.9
    assert run.chance[late][hit].mean() < run.chance[late][~hit].mean() - 0.2
    guarded = run_stream(poisoned, CosineSuccess(), guard=True)
    assert guarded.poisoned.sum() < run.poisoned.sum() / 2


def test_a_task_is_never_its_own_candidate_and_unknown_outcomes_are_not_kept() -> None:
    unknown: set[str] = set()

    def watch(task: SimTask, query: Query, candidates: list[Candidate], episode: Episode, case: Case) -> None:
        shown = {one.case_id for one in candidates}
        assert case.id not in shown
        assert not shown & unknown
        if case.reward is None:
            unknown.add(case.id)

    run_stream(world(), make_policy("random", PolicyOptions()), watch=watch)
    assert unknown


def test_what_a_policy_sees_holds_nothing_of_the_truth() -> None:
    """The reader's module knows of no policy, and the policies' query and candidates carry no latent value."""
    tree = ast.parse(Path(reader_module.__file__ or "").read_text(encoding="utf-8"))
    imports = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imports if name.startswith("memory")]

    spoiled = World(
        world().spec,
        0,
        [replace(task, tool=(task.tool + 1) % 8, ability=0.0) for task in world().tasks],
        [replace(case, tool=0) for case in world().given],
        world().vectors,
        world().bags,
    )
    first = [first_query(one, make_policy("bandit", PolicyOptions())) for one in (world(), spoiled)]
    assert first[0] == first[1]


def first_query(world: World, policy: CasePolicy) -> tuple[tuple[float, ...], list[Candidate]]:
    seen: list[tuple[tuple[float, ...], list[Candidate]]] = []

    def watch(task: SimTask, query: Query, candidates: list[Candidate], episode: Episode, case: Case) -> None:
        seen.append((query.context, candidates))

    run_stream(replace(world, tasks=world.tasks[:1]), policy, watch=watch)
    return seen[0]


def test_the_stand_in_learned_from_another_stream() -> None:
    policy = learned_cases(world())
    run = run_stream(world(), policy)
    assert run.slots.max() == 4
    assert np.isfinite(run.chance).all()


def test_a_cell_sums_a_run_up() -> None:
    cell = measure(world("poisoned", 90), CosineSuccess(), guard=False)
    run = run_stream(world("poisoned", 90), CosineSuccess())
    assert cell.accuracy == pytest.approx(run.right.mean())
    assert cell.after == pytest.approx(run.right[30:].mean())
    assert cell.poisoned == pytest.approx(run.poisoned[30:].sum() / run.slots[30:].sum())
    assert np.mean(cell.curve) == pytest.approx(cell.accuracy, abs=0.03)
