"""No row of a task on both sides of a split, unless a leaky one was asked for."""

from __future__ import annotations

import pytest

from configs.errors import InvalidInputError
from memory.training.examples import Example
from memory.training.splits import split_rows


def rows(right: int, wrong: int, each: int = 4) -> list[Example]:
    tasks = [(f"right {n}", 1) for n in range(right)] + [(f"wrong {n}", 0) for n in range(wrong)]
    return [Example(task, f"case {at}", f"case {at}", True, label) for task, label in tasks for at in range(each)]


def test_by_task_keeps_all_rows_of_a_task_together() -> None:
    data = rows(10, 30)
    data += [Example(row.query.upper(), "other", "other", False, row.label) for row in data]
    parts = split_rows(data, "by-task", 0)
    groups = [{data[row].group for row in part} for part in (parts.train, parts.validation, parts.test)]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert sum(map(len, groups)) == 40
    assert len(parts.train) > len(data) / 2


@pytest.mark.parametrize("seed", range(5))
def test_each_part_has_both_outcomes_even_of_the_least_data(seed: int) -> None:
    data = rows(3, 3)
    parts = split_rows(data, "by-task", seed)
    for part in (parts.train, parts.validation, parts.test):
        assert {data[row].label for row in part} == {0, 1}


def test_attempts_at_the_very_task_are_trained_on_but_not_measured() -> None:
    data = rows(6, 6)
    data += [Example(row.query, row.query.upper(), "", True, row.label) for row in data[::4]]
    parts = split_rows(data, "by-task", 1)
    assert any(data[row].is_own_task for row in parts.train)
    assert not any(data[row].is_own_task for row in [*parts.validation, *parts.test])
    assert parts.own_task == 4
    assert len(parts.train) + len(parts.validation) + len(parts.test) + parts.own_task == len(data)


def test_leaky_rows_tests_tasks_that_were_trained_on() -> None:
    data = rows(10, 30)
    parts = split_rows(data, "leaky-rows", 0)
    seen = {data[row].group for row in parts.train}
    assert sum(data[row].group in seen for row in parts.test) > len(parts.test) * 0.9
    assert sorted([*parts.train, *parts.validation, *parts.test]) == list(range(len(data)))


def test_the_seed_decides() -> None:
    data = rows(10, 30)
    first, same, other = (split_rows(data, "by-task", seed).test.tolist() for seed in (0, 0, 1))
    assert first == same != other


@pytest.mark.parametrize("data", [rows(2, 30), rows(30, 2), []])
def test_too_few_tasks_are_refused(data: list[Example]) -> None:
    with pytest.raises(InvalidInputError, match="takes 3 tasks of either outcome"):
        split_rows(data, "by-task", 0)


def test_nothing_but_own_tasks_is_refused() -> None:
    data = [Example(row.query, row.query, "", True, row.label) for row in rows(5, 5)]
    with pytest.raises(InvalidInputError, match="earlier attempts"):
        split_rows(data, "by-task", 0)
