"""`python -m evaluation.simulation.tuning`: what each part of the bandit is worth, on the seeds set apart for tuning.

The priors of `memory.policies.bandit_prior` were chosen on these seeds, 0 to 19, never on those of the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace

from rich.console import Console
from rich.progress import Progress

from evaluation.simulation.draw import draw_world
from evaluation.simulation.intervals import estimate
from evaluation.simulation.runs import Cell, measure
from evaluation.simulation.table import CHEAP, grid
from evaluation.simulation.world import WorldName
from evaluation.simulation.worlds import WORLDS
from memory.policies.bandit import SlateBandit
from memory.policies.bandit_prior import BanditPrior
from memory.policies.base import CasePolicy, PolicyOptions
from memory.policies.registry import make_policy

SEEDS = 20
FIXED = 1e-9
"""A variance so small that nothing is learned."""
SHIPPED = "as shipped"


def without(prior: BanditPrior, *features: str) -> BanditPrior:
    """The prior for which these features count for nothing."""
    zero = dict.fromkeys(features, 0.0)
    return replace(prior, means={**prior.means, **zero}, variances={**prior.variances, **dict.fromkeys(zero, FIXED)})


def ablations(prior: BanditPrior) -> Mapping[str, BanditPrior]:
    """The shipped prior, and each of its parts taken away."""
    return {
        SHIPPED: prior,
        "nothing learned": replace(prior, variances={}, other=FIXED, case_variance=FIXED),
        "no u_c": replace(prior, case_variance=FIXED),
        "only u_c": replace(prior, variances={"context.one": 4.0}, other=FIXED),
        "no trust": without(prior, "trust", "trust_success"),
        "no age, no uses": without(prior, "age", "uses"),
        "no words": without(prior, "lexical", "lexical_success", "fused"),
        "no redundancy": replace(prior, redundancy=0.0, same=2.0),
        "no failures": replace(prior, failures=0),
        "temperature 0": replace(prior, temperature=1e-6),
        "temperature 0.1": replace(prior, temperature=0.1),
        "κ = 1/√k": replace(prior, sharing=0.5),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the ablations; the table on stdout, progress on stderr."""
    parser = argparse.ArgumentParser("python -m evaluation.simulation.tuning", description=__doc__)
    parser.add_argument("--seeds", type=int, choices=range(2, SEEDS + 1), default=10, metavar="N", help="2 to 20 (10)")
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--only", nargs="+", choices=list(ablations(BanditPrior())), help="rows of the table")
    asked = parser.parse_args(arguments)
    variants = {name: prior for name, prior in ablations(BanditPrior()).items() if not asked.only or name in asked.only}
    rows: dict[str, list[str]] = {name: [name] for name in variants}
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for world in progress.track(asked.worlds, description="worlds"):
            for name, text in _world(world, asked.seeds, variants).items():
                rows[name].append(text)
    sys.stdout.write(f"Points over `{CHEAP}` in true chance, tuning seeds 0 to {asked.seeds - 1}\n\n")
    sys.stdout.write(grid(["bandit", *asked.worlds], list(rows.values())) + "\n")
    return 0


def _world(name: WorldName, seeds: int, variants: Mapping[str, BanditPrior]) -> dict[str, str]:
    """Each variant's difference, and its failures shown a task or poisoned share where that tells something."""
    cheap: list[Cell] = []
    cells: dict[str, list[Cell]] = {variant: [] for variant in variants}
    for seed in range(seeds):
        world = draw_world(WORLDS[name], seed)
        options = PolicyOptions(seed=seed)
        policies: dict[str, CasePolicy] = {one: SlateBandit(options, prior) for one, prior in variants.items()}
        cheap.append(measure(world, make_policy(CHEAP, options), guard=False))
        for variant, policy in policies.items():
            cells[variant].append(measure(world, policy, guard=False))
    return {variant: _text(found, cheap) for variant, found in cells.items()}


def _text(found: list[Cell], cheap: list[Cell]) -> str:
    apart = estimate([100 * (one.chance - other.chance) for one, other in zip(found, cheap, strict=True)])
    return f"{apart.mean:+.1f} ± {apart.half:.1f}"


if __name__ == "__main__":
    sys.exit(main())
