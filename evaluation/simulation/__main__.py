"""`python -m evaluation.simulation`: every case policy in simulated worlds, in one table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from evaluation.simulation.plot import draw_curves
from evaluation.simulation.runs import NAMES, Cell, Job, run_jobs
from evaluation.simulation.table import Results, markdown
from evaluation.simulation.worlds import WORLDS

GUARDS = {"off": (False,), "on": (True,), "both": (False, True)}
TITLES = {False: "Policies alone", True: "With the guard against untrusted cases"}


def main(arguments: list[str] | None = None) -> int:
    """Run what the arguments ask for; tables on stdout, progress on stderr."""
    asked = _parser().parse_args(arguments)
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    guards = GUARDS[asked.guard]
    jobs = [Job(world, seed, tuple(asked.policies), guards) for world in asked.worlds for seed in seeds]
    started = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("streams", total=len(jobs))
        cells = run_jobs(jobs, asked.jobs, lambda: progress.advance(bar))
    cells.sort(key=lambda cell: (asked.worlds.index(cell.world), asked.policies.index(cell.policy), cell.seed))
    tables = {guard: Results([cell for cell in cells if cell.guard is guard]) for guard in guards}
    _write(tables, asked.markdown)
    sys.stderr.write(f"{len(cells)} streams in {time.monotonic() - started:.0f} s\n")
    if asked.json:
        _save(cells, asked.json)
    if asked.plot:
        draw_curves(tables[guards[0]], asked.plot)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m evaluation.simulation", description=__doc__)
    parser.add_argument("--seeds", type=_positive, default=20, help="how many (20)")
    parser.add_argument("--first-seed", type=int, default=1000, help="the first; tuning used 0 to 19 (1000)")
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--policies", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--guard", choices=list(GUARDS), default="both", help="the cap on untrusted cases (both)")
    parser.add_argument("--jobs", type=_positive, default=1, help="processes (1)")
    parser.add_argument("--json", type=Path, help="write every run's numbers here")
    parser.add_argument("--plot", type=Path, help="write the learning curves here, as PNG")
    parser.add_argument("--markdown", action="store_true", help="headings as Markdown, for a document")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _write(tables: dict[bool, Results], as_markdown: bool) -> None:
    for guard, results in tables.items():
        sys.stdout.write(f"{'## ' if as_markdown else ''}{TITLES[guard]}\n\n{markdown(results)}\n\n")


def _save(cells: list[Cell], path: Path) -> None:
    path.write_text(json.dumps([cell.plain() for cell in cells]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
