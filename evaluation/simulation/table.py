"""The tables of the simulation, as Markdown: accuracies, differences and the verdict on each goal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from configs.settings import PolicyName
from evaluation.simulation.intervals import Estimate, estimate
from evaluation.simulation.runs import Cell
from evaluation.simulation.world import WorldName

OURS: PolicyName = "bandit"
CHEAP: PolicyName = "cosine-success"
BASELINES: tuple[PolicyName, ...] = ("none", "random", "recent", "cosine", "cosine-success")
"""What the bandit must not fall behind. The other learning policies are in the table, but are no baseline."""
CLOSE, GAIN, SHARE = -2.0, 8.0, 0.5
"""The goals: points to the best baseline, points over CHEAP after poisoning, share of its poisoned slots."""
CHANGED: tuple[WorldName, ...] = ("poisoned", "drifting")

Value = Callable[[Cell], float]


class Results:
    """The cells of one table, of one setting of the guard."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self._by = {(cell.world, cell.policy, cell.seed): cell for cell in cells}
        self.worlds: list[WorldName] = list(dict.fromkeys(cell.world for cell in cells))
        self.policies: list[PolicyName] = list(dict.fromkeys(cell.policy for cell in cells))
        self.seeds = sorted({cell.seed for cell in cells})

    def cells(self, world: WorldName, policy: PolicyName) -> list[Cell]:
        """By seed."""
        return [self._by[world, policy, seed] for seed in self.seeds]

    def values(self, world: WorldName, policy: PolicyName, value: Value) -> list[float]:
        """By seed."""
        return [value(cell) for cell in self.cells(world, policy)]

    def level(self, world: WorldName, policy: PolicyName, value: Value) -> Estimate:
        """In percent."""
        return estimate([100 * one for one in self.values(world, policy, value)])

    def difference(self, world: WorldName, first: PolicyName, second: PolicyName, value: Value) -> Estimate:
        """First less second in points, paired by seed."""
        pairs = zip(self.values(world, first, value), self.values(world, second, value), strict=True)
        return estimate([100 * (one - other) for one, other in pairs])

    def best(self, world: WorldName, among: Sequence[PolicyName], value: Value) -> PolicyName | None:
        """The policy of the highest mean among those that ran."""
        there = [name for name in among if name in self.policies]
        return max(there, key=lambda name: self.level(world, name, value).mean, default=None)


def accuracy(cell: Cell) -> float:
    return cell.accuracy


def after(cell: Cell) -> float:
    return cell.after


def poisoned(cell: Cell) -> float:
    return cell.poisoned


def markdown(results: Results) -> str:
    """All tables of one setting of the guard."""
    parts = [_levels(results), _differences(results), *_after(results), *_verdicts(results)]
    return "\n\n".join(parts)


def _levels(results: Results) -> str:
    rows = [[name, *(_level(results.level(world, name, accuracy)) for world in results.worlds)]
            for name in results.policies]  # fmt: skip
    return "Right answers in percent, whole stream\n\n" + grid(["policy", *results.worlds], rows)


def _differences(results: Results) -> str:
    if CHEAP not in results.policies:
        return ""
    rows = [
        [name, *(_points(results.difference(world, name, CHEAP, accuracy)) for world in results.worlds)]
        for name in results.policies
        if name != CHEAP
    ]
    return f"Points over `{CHEAP}`, paired by seed\n\n" + grid(["policy", *results.worlds], rows)


def _after(results: Results) -> Iterator[str]:
    worlds = [world for world in results.worlds if world in CHANGED]
    if not worlds:
        return
    head = ["policy", *(f"{world}, after" for world in worlds)]
    rows = [[name, *(_level(results.level(world, name, after)) for world in worlds)] for name in results.policies]
    if "poisoned" in worlds:
        head.append("poisoned share of slots")
        for row, name in zip(rows, results.policies, strict=True):
            row.append(_level(results.level("poisoned", name, poisoned)))
    yield "After the poisoning or the renaming, in percent\n\n" + grid(head, rows)


def _verdicts(results: Results) -> Iterator[str]:
    if OURS not in results.policies:
        return
    lines = [line for world in results.worlds if (line := _close(results, world))]
    if "poisoned" in results.worlds and CHEAP in results.policies:
        lines.append(_resists(results))
    yield "Goals\n\n" + "\n".join(f"- {line}" for line in lines)


def _close(results: Results, world: WorldName) -> str:
    best = results.best(world, BASELINES, accuracy)
    if best is None:
        return ""
    apart = results.difference(world, OURS, best, accuracy)
    other = results.best(world, [name for name in results.policies if name not in (*BASELINES, OURS)], accuracy)
    beside = f"; to `{other}` {_points(results.difference(world, OURS, other, accuracy))}" if other else ""
    return f"{world}: {_points(apart)} to the best baseline, `{best}`: {_verdict(apart, CLOSE)}{beside}"


def _resists(results: Results) -> str:
    gain = results.difference("poisoned", OURS, CHEAP, after)
    ours = results.level("poisoned", OURS, poisoned).mean
    theirs = results.level("poisoned", CHEAP, poisoned).mean
    share = f"{ours:.1f}% of its slots poisoned against {theirs:.1f}%: {'met' if ours <= SHARE * theirs else 'missed'}"
    return f"after poisoning: {_points(gain)} to `{CHEAP}`: {_verdict(gain, GAIN)}; {share}"


def _verdict(found: Estimate, goal: float) -> str:
    if found.mean < goal:
        return f"missed (goal {goal:+.0f})"
    return "met" if found.low >= goal else f"met on average (the interval reaches below {goal:+.0f})"


def _level(found: Estimate) -> str:
    return f"{found.mean:.1f} ± {found.half:.1f}"


def _points(found: Estimate) -> str:
    return f"{found.mean:+.1f} ± {found.half:.1f}"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it reads as plain text too."""
    every = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in every) for at in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
             for row in every]  # fmt: skip
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
