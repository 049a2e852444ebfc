"""What became of the demo's tasks, and the numbers drawn from it. Pure: no model, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.demo_tasks import DemoTask, correct
from graph.results import Result
from graph.state import ShownCase


@dataclass(frozen=True, slots=True)
class Attempt:
    """One task, how its run ended, and the cases the planner saw."""

    task: DemoTask
    result: Result
    cases: tuple[ShownCase, ...] = ()

    @property
    def answer(self) -> str | None:
        """What the run answered; None if it failed."""
        return self.result.answer if self.result.status == "answered" else None

    @property
    def right(self) -> bool:
        """Whether it answered, and exactly the right thing."""
        return correct(self.answer, self.task)


@dataclass(frozen=True, slots=True)
class Pair:
    """The same task without memory and with it."""

    before: Attempt
    after: Attempt


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both runs of a demo. The baseline's tasks are the last ones of the memory run, in the same order."""

    none: tuple[Attempt, ...]
    memory: tuple[Attempt, ...]
    block: int
    """Tasks in one round, one of every family: the window of the learning curve."""

    @property
    def pairs(self) -> list[Pair]:
        return [Pair(before, after) for before, after in zip(self.none, self.memory[-len(self.none) :], strict=True)]

    @property
    def last_third(self) -> tuple[Attempt, ...]:
        """The last third of the memory run, rounded down but never empty."""
        return self.memory[-max(len(self.memory) // 3, 1) :]


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """Right answers and tasks of one family, in either run."""

    family: str
    none_right: int
    none_tasks: int
    memory_right: int
    memory_tasks: int


def accuracy(attempts: Sequence[Attempt]) -> float:
    """The share of right answers, from 0 to 1; 0 if there are none."""
    return sum(each.right for each in attempts) / len(attempts) if attempts else 0.0


def block_accuracies(attempts: Sequence[Attempt], block: int) -> list[float]:
    """The accuracy of each block of `block` tasks; the last block may be shorter."""
    return [accuracy(attempts[start : start + block]) for start in range(0, len(attempts), block)]


def rolling_accuracies(attempts: Sequence[Attempt], window: int) -> list[tuple[int, float]]:
    """Task number, counted from 1, and accuracy over the `window` tasks that end with it; full windows only."""
    window = min(window, len(attempts))
    return [(end, accuracy(attempts[end - window : end])) for end in range(max(window, 1), len(attempts) + 1)]


def family_rows(compared: Comparison) -> list[FamilyRow]:
    """One row a family, in the order of their first task."""
    rows = []
    for family in dict.fromkeys(each.task.family for each in compared.memory):
        none = [each for each in compared.none if each.task.family == family]
        memory = [each for each in compared.memory if each.task.family == family]
        rows.append(
            FamilyRow(
                family,
                sum(each.right for each in none),
                len(none),
                sum(each.right for each in memory),
                len(memory),
            )
        )
    return rows


def pair_to_show(pairs: Sequence[Pair]) -> Pair | None:
    """A task that was wrong without memory and right with it: the middle one of them. None if there is none.

    Those whose run ended with an answer come first: a wrong answer tells more than a run that failed.
    """
    gained = [pair for pair in pairs if pair.after.right and not pair.before.right]
    answered = [pair for pair in gained if pair.before.answer is not None]
    chosen = answered or gained
    return chosen[len(chosen) // 2] if chosen else None
