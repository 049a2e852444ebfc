"""The tables: intervals against published quantiles, pairing, verdicts; and the command."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from configs.settings import PolicyName
from evaluation.simulation.__main__ import main
from evaluation.simulation.intervals import estimate, student
from evaluation.simulation.plot import draw_curves
from evaluation.simulation.runs import CURVE_POINTS, Cell
from evaluation.simulation.table import Results, accuracy, markdown
from evaluation.simulation.tuning import ablations
from evaluation.simulation.world import WorldName
from memory.policies.bandit_prior import BanditPrior


def cell(world: WorldName, policy: PolicyName, seed: int, share: float, poisoned: float = 0.0) -> Cell:
    return Cell(world, policy, False, seed, share, share, share, poisoned, 4.0, 2.0, 0.0, (share,) * CURVE_POINTS)


def results(bandit: float, poisoned: float = 0.1) -> Results:
    """Seeds differ much, policies by a constant: only pairing sees it."""
    level = {seed: 0.3 + 0.1 * seed for seed in range(4)}
    cells = [cell("poisoned", "bandit", seed, level[seed] + bandit, poisoned) for seed in level]
    cells += [cell("poisoned", "cosine-success", seed, level[seed], 0.4) for seed in level]
    return Results(cells + [cell("poisoned", "none", seed, 0.1) for seed in level])


@pytest.mark.parametrize(("freedom", "value"), [(4, 2.776), (9, 2.262), (19, 2.093), (100, 1.984)])
def test_quantiles_are_those_of_the_tables(freedom: int, value: float) -> None:
    assert student(freedom) == pytest.approx(value, abs=0.002)


def test_interval_of_known_values() -> None:
    found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.mean, found.half) == pytest.approx((3.0, 2.776 * math.sqrt(2.5 / 5)), abs=0.002)
    assert estimate([1.0]).half == math.inf


def test_differences_are_paired() -> None:
    found = results(0.1)
    assert found.level("poisoned", "bandit", accuracy).half > 10
    apart = found.difference("poisoned", "bandit", "cosine-success", accuracy)
    assert (apart.mean, apart.half) == pytest.approx((10, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("bandit", "poisoned", "close", "resists", "share"),
    [(0.1, 0.1, "met", "met", "met"), (0.05, 0.3, "met", "missed", "missed"), (-0.05, 0.2, "missed", "missed", "met")],
)
def test_verdicts_follow_the_goals(bandit: float, poisoned: float, close: str, resists: str, share: str) -> None:
    lines = [line for line in markdown(results(bandit, poisoned)).splitlines() if line.startswith("- ")]
    assert lines[0].split(": ")[2].startswith(close)
    assert lines[1].split(": ")[2].startswith(resists)
    assert lines[1].endswith(share)


def test_picture_is_written(tmp_path: Path) -> None:
    draw_curves(results(0.1), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_command_prints_the_tables_and_saves_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runs.json"
    arguments = "--seeds 2 --worlds clean --policies none cosine-success --guard off --markdown --json"
    assert main([*arguments.split(), str(path)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("## Policies alone")
    assert "| cosine-success |" in out
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert [(one["policy"], one["seed"]) for one in saved] == [
        ("none", 1000),
        ("none", 1001),
        ("cosine-success", 1000),
        ("cosine-success", 1001),
    ]


@pytest.mark.parametrize("wrong", [["--worlds", "mars"], ["--seeds", "0"], ["--policies", "best"]])
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(wrong)
    assert refused.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_ablations_differ_from_what_is_shipped() -> None:
    variants = dict(ablations(BanditPrior()))
    shipped = variants.pop("as shipped")
    assert shipped == BanditPrior()
    assert all(prior != shipped for prior in variants.values())
    assert all((prior.variance() > 0).all() for prior in variants.values())
