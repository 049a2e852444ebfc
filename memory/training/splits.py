"""Which rows are trained on, which stop the training, and which measure it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from configs.errors import InvalidInputError
from memory.training.examples import Example

Split: TypeAlias = Literal["by-task", "leaky-rows"]
"""by-task: all rows of a task on one side. leaky-rows: rows at random, so that a table of seen tasks scores as high."""

VALIDATION, TEST = 0.15, 0.15
LEAST_TASKS = 3
Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Parts:
    """Row numbers, ascending; `own_task` counts rows that were left out of the measuring."""

    train: Rows
    validation: Rows
    test: Rows
    own_task: int = 0


def split_rows(rows: Sequence[Example], kind: Split, seed: int) -> Parts:
    """70% to train on, 15% to stop by, 15% to measure by.

    By task, tasks are dealt separately from those that mostly succeeded and those that mostly failed, so that each part
    has both; a case that is an earlier attempt at the very task is trained on but never measured.

    Raises:
        InvalidInputError: fewer than three tasks of an outcome, or, by rows, too few rows of an outcome.
    """
    if kind == "leaky-rows":
        return _by_row(rows, seed)
    groups: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row.group, []).append(number)
    right: list[list[int]] = []
    wrong: list[list[int]] = []
    for members in groups.values():
        (right if sum(rows[n].label for n in members) * 2 >= len(members) else wrong).append(members)
    if min(len(right), len(wrong)) < LEAST_TASKS:
        counts = f"{len(right)} that mostly went right and {len(wrong)} that mostly went wrong"
        raise InvalidInputError(f"too little to train on: takes {LEAST_TASKS} tasks of either outcome, got {counts}")
    dealt = [_deal(stratum, seed) for stratum in (right, wrong)]
    train, validation, test = ([n for part in dealt for group in part[at] for n in group] for at in range(3))
    measured = [[n for n in part if not rows[n].is_own_task] for part in (validation, test)]
    if not all(measured):
        raise InvalidInputError("too little to train on: the shown cases are earlier attempts at the very tasks")
    left_out = len(validation) + len(test) - sum(map(len, measured))
    return Parts(_sorted(train), _sorted(measured[0]), _sorted(measured[1]), left_out)


def _by_row(rows: Sequence[Example], seed: int) -> Parts:
    strata = [[[n] for n, row in enumerate(rows) if row.label == label] for label in (1, 0)]
    if min(map(len, strata)) < LEAST_TASKS:
        raise InvalidInputError(f"too little to train on: takes {LEAST_TASKS} rows of either outcome")
    dealt = [_deal(stratum, seed) for stratum in strata]
    train, validation, test = (_sorted(n for part in dealt for group in part[at] for n in group) for at in range(3))
    return Parts(train, validation, test)


def _deal(groups: list[list[int]], seed: int) -> tuple[list[list[int]], list[list[int]], list[list[int]]]:
    """Shuffled into train, validation and test, at least one group each."""
    shuffled = groups[:]
    random.Random(seed).shuffle(shuffled)  # noqa: S311  repeatable on purpose
    validation = max(1, round(len(groups) * VALIDATION))
    test = max(1, round(len(groups) * TEST))
    return shuffled[validation + test :], shuffled[:validation], shuffled[validation : validation + test]


def _sorted(numbers: Iterable[int]) -> Rows:
    return np.array(sorted(numbers), dtype=np.int64)
