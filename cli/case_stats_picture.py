"""The statistics of the case bank as one PNG."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.printable import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from memory.bank_stats import BankStats, Useful
    from memory.ledger_stats import Stretch

INK, MUTED, GRID = "#1f2933", "#66727f", "#e4e8ec"
RIGHT, WRONG, UNKNOWN = "#0f766e", "#c2410c", "#b8c0c8"
ORIGINS_SHOWN = 8
Z = 1.96
"""Of a 95% interval."""


def draw_stats(found: BankStats, path: Path) -> None:
    """Write the PNG: success over time, what the bank holds by origin, and the most and least useful cases.

    Blocks for about a second.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8.4), dpi=140, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.05), width_ratios=(1, 1.3))
    _draw_learning(figure.add_subplot(grid[0, :]), found.learning)
    _draw_origins(figure.add_subplot(grid[1, 0]), found)
    _draw_useful(figure.add_subplot(grid[1, 1]), found)
    figure.suptitle(_title(found), x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    if found.concentration.warning:
        figure.supxlabel(
            f"Alarm: {found.concentration.warning}", color=WRONG, fontsize=10, fontweight="bold", parse_math=False
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # which the font has not: a box
        figure.savefig(path)


def wilson(right: int, tasks: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson, JASA 1927)."""
    share, z2 = right / tasks, Z * Z
    middle = (share + z2 / (2 * tasks)) / (1 + z2 / tasks)
    half = Z / (1 + z2 / tasks) * math.sqrt(share * (1 - share) / tasks + z2 / (4 * tasks * tasks))
    return middle - half, middle + half


def _title(found: BankStats) -> str:
    counted = found.totals
    parts = [f"{counted.retrievable:,} cases that may be retrieved"]
    parts += [f"{counted.archived:,} archived"] if counted.archived else []
    parts += [f"{counted.copies:,} exact copies"] if counted.copies else []
    if found.clusters is not None and counted.retrievable:
        parts.append(f"{len(set(found.clusters.representative.values())):,} clusters")
    return f"Case bank, namespace {found.namespace}: " + ", ".join(parts)


def _draw_learning(axes: Axes, parts: Sequence[Stretch]) -> None:
    from matplotlib.ticker import PercentFormatter

    _prepare(axes, "Success of the tasks done, in order, with 95% intervals")
    if not parts:
        _say_nothing(axes, "no task with a known outcome was run yet")
        return
    ends: list[float] = []
    for part in parts:
        ends.append((ends[-1] if ends else 0) + part.tasks)
    middles = [end - (part.tasks - 1) / 2 for end, part in zip(ends, parts, strict=True)]
    bounds = [wilson(part.right, part.tasks) for part in parts]
    shares = [part.share for part in parts]
    if len(parts) > 1:
        axes.fill_between(middles, [low for low, _ in bounds], [high for _, high in bounds], color=RIGHT, alpha=0.13,
                          linewidth=0)  # fmt: skip
    else:
        axes.vlines(middles, bounds[0][0], bounds[0][1], color=RIGHT, alpha=0.35, linewidth=2)
    axes.plot(middles, shares, color=RIGHT, linewidth=2.4, solid_capstyle="round", marker="o", markersize=4)
    axes.annotate(f"{shares[-1]:.0%}", (middles[-1], shares[-1]), (7, 0), textcoords="offset points", va="center",
                  color=RIGHT, fontweight="bold")  # fmt: skip
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, ends[-1] * 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel("right answers", color=MUTED)
    axes.set_xlabel("tasks", color=MUTED)
    axes.grid(axis="y", color=GRID, linewidth=0.8)


def _draw_origins(axes: Axes, found: BankStats) -> None:
    _prepare(axes, "Cases by origin, and how far they are trusted")
    shown = list(reversed(found.origins[:ORIGINS_SHOWN]))
    if not shown:
        _say_nothing(axes, "no cases yet")
        return
    names = [one_line(one.name, 26) for one in shown]
    rows = range(len(shown))
    left = [0] * len(shown)
    for label, color in (("right", RIGHT), ("wrong", WRONG), ("unknown", UNKNOWN)):
        counts = [int(getattr(one, label)) for one in shown]
        axes.barh(rows, counts, left=left, height=0.62, color=color, label=label)
        left = [before + count for before, count in zip(left, counts, strict=True)]
    for row, one in enumerate(shown):
        axes.annotate(f"{one.cases:,} · trust {one.trust:.2f}", (one.cases, row), (5, 0), textcoords="offset points",
                      va="center", fontsize=8.5, color=MUTED)  # fmt: skip
    axes.set_yticks(rows, names, parse_math=False)
    axes.set_xticks([])
    axes.set_xlim(0, max(left) * 1.55)
    axes.set_ylim(len(shown) - max(len(shown), 4) - 0.6, len(shown) - 0.3)  # the first stands on top
    axes.legend(frameon=False, fontsize=8.5, ncols=3, loc="upper right", labelcolor=MUTED, handlelength=1)


def _draw_useful(axes: Axes, found: BankStats) -> None:
    _prepare(axes, "Most and least useful cases")
    worth = found.worth
    shown: list[tuple[Useful, str]] = [
        *((each, WRONG) for each in worth.least),
        *((each, RIGHT) for each in reversed(worth.most)),
    ]
    if not shown:
        _say_nothing(axes, "no case has an estimate yet")
        return
    for row, (each, color) in enumerate(shown):
        value, sd = each.estimate.value, each.estimate.sd
        axes.errorbar(value, row, xerr=sd, fmt="o", color=color, markersize=6, linewidth=2, capsize=0)
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
    labels = [f"{one_line(each.task, 46)}\n{each.record.case_id} · shown {each.record.uses:,}×" for each, _ in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=7.5, parse_math=False)
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_xlabel("log-odds of success that showing it adds (± 1 sd)", color=MUTED)
    axes.grid(axis="x", color=GRID, linewidth=0.8)


def _prepare(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _say_nothing(axes: Axes, text: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)
