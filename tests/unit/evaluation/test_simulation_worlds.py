"""The simulated worlds hold what they promise, whatever the policies do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.simulation.draw import draw_world
from evaluation.simulation.reader import Evidence, Reader, SimTask
from evaluation.simulation.world import World, WorldName
from evaluation.simulation.worlds import COPIES, HEEDS, WORLDS

TASK = SimTask(row=0, text="t", at=0.0, family=0, tool=2, trap=3, ability=0.3, execution=0.9, draws=(0.5, 0.5, 0.5))
FIT, MISFIT = Evidence(2, True, 0.7), Evidence(4, True, 0.7)
FAILED_TRAP = Evidence(3, False, 0.7)


def chance(reader: Reader, *shown: Evidence) -> float:
    return reader.chance(TASK, shown)


def small(name: WorldName, seed: int = 0, stream: int = 0) -> World:
    return draw_world(replace(WORLDS[name], tasks=120), seed, stream)


def test_without_cases_ability_and_luck_decide() -> None:
    assert chance(COPIES) == pytest.approx(0.3 * 0.9 + 0.7 * COPIES.luck)


def test_one_fitting_case_does_most_of_the_good() -> None:
    gains = np.diff([chance(COPIES, *[FIT] * count) for count in range(5)])
    assert (gains > 0).all()
    assert (np.diff(gains) < 0).all()
    assert gains[0] > gains[1:].max() * 1.5


def test_misfits_distract_even_beside_a_fitting_case() -> None:
    assert chance(COPIES, MISFIT) < chance(COPIES)
    assert chance(COPIES, FIT, MISFIT) < chance(COPIES, FIT)
    assert chance(COPIES, Evidence(4, True, 0.1)) > chance(COPIES, MISFIT), "a far case should distract less"


def test_a_failure_beats_a_further_success_only_where_failures_are_heeded() -> None:
    for reader, better in ((HEEDS, True), (COPIES, False)):
        assert (chance(reader, FIT, FIT, FIT, FAILED_TRAP) > chance(reader, FIT, FIT, FIT, FIT)) is better


def test_attempts_come_out_as_often_as_their_chance_says() -> None:
    rng = np.random.default_rng(0)
    for shown in ([], [FIT, MISFIT], [FIT, FIT, FAILED_TRAP]):
        tasks = [replace(TASK, draws=tuple(rng.random(3))) for _ in range(4000)]
        right = np.mean([COPIES.attempt(task, shown)[1] for task in tasks])
        assert right == pytest.approx(COPIES.chance(TASK, shown), abs=0.03)


@pytest.mark.parametrize("name", list(WORLDS))
def test_a_seed_gives_one_world_and_another_seed_another(name: WorldName) -> None:
    first, again, other = small(name), small(name), small(name, seed=1)
    assert first.tasks == again.tasks
    assert first.given == again.given
    assert np.array_equal(first.vectors, again.vectors)
    assert np.array_equal(first.lexical, again.lexical)
    assert first.tasks != other.tasks


def test_another_stream_has_the_same_families_and_other_tasks() -> None:
    first, second = small("clean"), small("clean", stream=1)
    assert first.tasks != second.tasks
    tools = [{task.family: task.tool for task in world.tasks} for world in (first, second)]
    common = set(tools[0]) & set(tools[1])
    assert len(common) > 10
    assert all(tools[0][family] == tools[1][family] for family in common)


@pytest.mark.parametrize(
    ("name", "low", "high"), [("clean", 0.95, 1.0), ("misaligned", 0.55, 0.75), ("finely-aligned", 0.85, 0.95)]
)
def test_likeness_tells_the_tool_only_where_it_should(name: WorldName, low: float, high: float) -> None:
    world = draw_world(WORLDS[name], 0)
    likeness = world.cosine[:, : len(world.tasks)].copy()
    np.fill_diagonal(likeness, -1)
    nearest = likeness.argmax(axis=1)
    same = np.mean([task.tool == world.tasks[other].tool for task, other in zip(world.tasks, nearest, strict=True)])
    assert low <= same <= high


def test_forged_cases_come_late_near_popular_tasks_and_with_a_wrong_tool() -> None:
    world = draw_world(WORLDS["poisoned"], 0)
    forged = [case for case in world.given if case.forged]
    assert len(forged) == 12 * 8
    assert {(case.before, case.reward, case.source) for case in forged} == {(200, 1, "import")}
    rows = [case.row for case in forged]
    hit = [task for task in world.tasks[200:] if world.cosine[task.row, rows].max() > 0.5]
    assert len(hit) > 0.4 * len(world.tasks[200:])
    for task in hit:
        nearest = forged[int(world.cosine[task.row, rows].argmax())]
        reader = world.spec.reader
        shown = Evidence(nearest.tool, True, float(world.cosine[task.row, nearest.row]))
        assert nearest.tool != task.tool
        assert reader.chance(task, [shown]) < reader.chance(task, [])
    assert not any(case.forged for case in draw_world(WORLDS["clean"], 0).given)


def test_renaming_changes_the_tools_of_some_families_half_way() -> None:
    tools: dict[int, set[int]] = {}
    world = draw_world(WORLDS["drifting"], 0)
    for task in world.tasks:
        tools.setdefault(task.family, set()).add(task.tool)
    assert 8 <= sum(len(seen) == 2 for seen in tools.values()) <= 12
    assert {task.tool for task in world.tasks[:300]} <= set(range(8))
