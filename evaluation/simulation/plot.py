"""The learning curves of the simulation, one panel a world, as PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from configs.settings import PolicyName
from evaluation.curve import GRID, INK, MUTED
from evaluation.simulation.intervals import estimate
from evaluation.simulation.runs import CURVE_POINTS
from evaluation.simulation.table import Results
from evaluation.simulation.world import WorldName
from evaluation.simulation.worlds import WORLDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Mapping[PolicyName, str] = {
    "none": "#66727f",
    "random": "#b8a9c9",
    "recent": "#c9b458",
    "cosine": "#7aa6dc",
    "cosine-success": "#b45309",
    "parametric": "#a855a8",
    "soft-q": "#2563a8",
    "bandit": "#0f766e",
}
SMOOTH = 3
"""Parts of the stream that a point of the curve averages."""


def draw_curves(results: Results, path: Path) -> None:
    """Write the PNG. The band around the bandit's curve is the 95% interval over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(3, len(results.worlds))
    lines = -(-len(results.worlds) // columns)
    figure = Figure(figsize=(5.0 * columns, 3.9 * lines + 0.8), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axes, world in zip(grid, results.worlds, strict=False):
        _draw_world(axes, results, world)
    for axes in grid[len(results.worlds) :]:
        axes.set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=4 if columns < 3 else 8, frameon=False, fontsize=11
    )
    figure.suptitle(
        f"Right answers in simulated streams, {len(results.seeds)} seeds", fontsize=14, fontweight="bold", color=INK
    )
    figure.savefig(path)


def _draw_world(axes: Axes, results: Results, world: WorldName) -> None:
    from matplotlib.ticker import PercentFormatter

    ends = (np.arange(CURVE_POINTS) + 1) * WORLDS[world].tasks / CURVE_POINTS
    for name in results.policies:
        curves = np.array([_smooth(cell.curve) for cell in results.cells(world, name)])
        ours = name == "bandit"
        axes.plot(ends, curves.mean(axis=0), color=COLOURS[name], label=name, linewidth=2.6 if ours else 1.5,
                  zorder=3 if ours else 2)  # fmt: skip
        if ours and len(curves) > 1:
            bands = [estimate(column.tolist()) for column in curves.T]
            axes.fill_between(ends, [one.low for one in bands], [one.high for one in bands], color=COLOURS[name],
                              alpha=0.15, linewidth=0)  # fmt: skip
    _mark_change(axes, world)
    axes.set_ylim(0, 1)
    axes.set_title(world, loc="left", fontsize=12, fontweight="bold", color=INK)
    axes.set_xlabel("tasks done", color=MUTED)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)


def _mark_change(axes: Axes, world: WorldName) -> None:
    spec = WORLDS[world]
    what = "forged cases arrive" if spec.forged else "tools renamed" if spec.renamed else ""
    if what:
        at = spec.tasks * (spec.forged_at if spec.forged else spec.renamed_at)
        axes.axvline(at, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
        axes.annotate(what, (at, 0.99), (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
                      va="top", color=MUTED, fontsize=9)  # fmt: skip


def _smooth(curve: tuple[float, ...]) -> NDArray[np.float64]:
    """Each part with the SMOOTH - 1 before it."""
    sums = np.cumsum([0.0, *curve])
    starts = np.maximum(np.arange(len(curve)) + 1 - SMOOTH, 0)
    ends = np.arange(len(curve)) + 1
    smooth: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return smooth
