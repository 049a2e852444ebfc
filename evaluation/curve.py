"""The learning curve: as text for a terminal, as PNG for the report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.attempts import Comparison, accuracy, block_accuracies, rolling_accuracies

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BAR = 30
INK, MUTED, GRID = "#1f2933", "#66727f", "#e4e8ec"
MEMORY, BASELINE, WRONG = "#0f766e", "#b45309", "#c2410c"


def curve_text(compared: Comparison) -> str:
    """One bar for the run without memory, one for each block of the run with it."""
    blocks = block_accuracies(compared.memory, compared.block)
    rows = [(f"all {len(compared.none)}", accuracy(compared.none))]
    for number, value in enumerate(blocks):
        first = number * compared.block + 1
        last = min(first + compared.block - 1, len(compared.memory))
        rows.append((f"tasks {first}-{last}", value))
    width = max(len(label) for label, _ in rows)
    lines = [f"  {label:<{width}}  {bar(value)}  {value:4.0%}" for label, value in rows]
    return "\n".join(["Right answers without memory", lines[0], "and with memory, as it learns", *lines[1:]])


def bar(share: float) -> str:
    """A share from 0 to 1 as a bar of fixed width."""
    filled = round(share * BAR)
    return "█" * filled + "░" * (BAR - filled)


def draw_curve(compared: Comparison, path: Path) -> None:
    """Write the PNG: rolling accuracy with memory, against the level without it. Blocks for about a second."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(9, 4.6), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_baseline(axes, compared)
    _draw_memory(axes, compared)
    _draw_tasks(axes, compared)
    axes.set_title(
        f"The same frozen model: {accuracy(compared.none):.0%} right without memory, "
        f"{accuracy(compared.last_third):.0%} at the end with it",
        loc="left", fontsize=13, fontweight="bold", color=INK, pad=14,
    )  # fmt: skip
    axes.set_xlabel("tasks done with memory", color=MUTED)
    axes.set_ylabel(f"right answers, last {compared.block} tasks", color=MUTED)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_xticks(range(compared.block, len(compared.memory) + 1, compared.block))
    axes.set_xlim(0, len(compared.memory) + 0.6)
    axes.set_ylim(-0.17, 1.12)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    figure.savefig(path)


def _draw_memory(axes: Axes, compared: Comparison) -> None:
    points = rolling_accuracies(compared.memory, compared.block)
    numbers, values = [number for number, _ in points], [value for _, value in points]
    axes.plot(numbers, values, color=MEMORY, linewidth=2.6, solid_capstyle="round", marker="o", markersize=3.5)
    highest = max(values[-compared.block :])
    axes.annotate(
        "with memory", (numbers[-1], highest), (0, 8), textcoords="offset points",
        va="bottom", ha="right", color=MEMORY, fontweight="bold",
    )  # fmt: skip


def _draw_baseline(axes: Axes, compared: Comparison) -> None:
    level = accuracy(compared.none)
    axes.axhline(level, color=BASELINE, linewidth=1.8, linestyle=(0, (4, 3)))
    label = f"without memory ({len(compared.none)} tasks): {level:.0%}"
    axes.annotate(
        label, (len(compared.memory), level), (0, 6), textcoords="offset points",
        va="bottom", ha="right", color=BASELINE, fontweight="bold",
    )  # fmt: skip


def _draw_tasks(axes: Axes, compared: Comparison) -> None:
    """Every task below the curve: a full mark if it was right, a hollow one if it was wrong."""
    for right, face, edge in ((True, MEMORY, MEMORY), (False, "white", WRONG)):
        numbers = [number for number, each in enumerate(compared.memory, 1) if each.right is right]
        axes.scatter(numbers, [-0.09] * len(numbers), s=22, facecolors=face, edgecolors=edge, linewidths=1.2)
    axes.annotate(
        "each task: ● right  ○ wrong", (0, 0), (0.002, 0.004), xycoords="axes fraction", textcoords="axes fraction",
        fontsize=8, color=MUTED,
    )  # fmt: skip
