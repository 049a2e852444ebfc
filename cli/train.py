"""`memento train`: fit the parametric case policy and say what it is worth beside guesses that need no training."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.demo import DemoProgress
from cli.options import AsJson, Config, Overrides, settings_of
from cli.output import print_json, print_table, print_text, reserved_stdout, say

if TYPE_CHECKING:
    from configs.settings import Settings
    from memory.training.examples import Examples
    from memory.training.metrics import Score
    from memory.training.train import Trained

BAD_LINES_SHOWN = 20
LEAKS = "rows of one task lie in training and test: these figures leak, and a lookup table by task scores as high"
ONE_LABEL = (
    "every task has a single outcome in this data, so the AUC says how well tasks are told apart, not the cases of one"
)

Encoder = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A sentence-transformers model or folder, or simcse; else the bundled MiniLM."),
]


def train(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="JSONL with query/case/case_label/plan/truth_label; else the journal."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="A folder; else HOME/models/parametric; a leaky split is only measured without it."
        ),
    ] = None,
    encoder: Encoder = None,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", metavar="", help="Train the encoder as well; takes long without a GPU.")
    ] = False,
    split: Annotated[
        Literal["by-task", "leaky-rows"],
        typer.Option(help="leaky-rows is the original's: seen tasks are tested, a lookup table scores as high."),
    ] = "by-task",
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the split and of the training.")] = 0,
    config: Config = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Fit the parametric case policy: Q(task, case), the chance that a task succeeds with a case in view."""
    from memory.training import store, train

    settings = settings_of(context, config, overrides)
    home = settings.home
    leaks = split == "leaky-rows"
    folder = out.expanduser() if out is not None else None if leaks else home / "models" / store.NAME
    if folder is not None:
        store.check_writable(folder)
    examples = _examples(data, settings)
    options = train.TrainOptions(encoder=encoder, fine_tune=fine_tune, split=split, epochs=epochs, seed=seed)
    started = time.monotonic()
    with reserved_stdout(), DemoProgress(sys.stderr) as progress:
        trained = train.train(examples, options, progress.step)
        fingerprint = train.save(trained, folder).fingerprint if folder is not None else None
    seconds = time.monotonic() - started
    if as_json:
        print_json(_told(examples, trained, folder, fingerprint, seconds))
    else:
        _print(trained)
        where = f"{fingerprint} written to {folder}" if folder is not None else "not written, as no --out was given"
        say(f"model {where}, after {seconds:.0f} s", "green")
    _warn(examples, trained)


def _examples(data: Path | None, settings: Settings) -> Examples:
    from memory.journal import replay
    from memory.training.examples import from_file, from_journal

    if data is None:
        return from_journal(replay(settings.home), settings.namespace)
    path = data.expanduser()
    examples = from_file(path)
    for each in examples.rejected[:BAD_LINES_SHOWN]:
        say(f"{path} line {each.line}: {each.reason}", "yellow")
    if len(examples.rejected) > BAD_LINES_SHOWN:
        say(f"... and {len(examples.rejected) - BAD_LINES_SHOWN} more bad lines", "yellow")
    return examples


def _print(trained: Trained) -> None:
    rows = [
        (each.name, _number(each.auc), _interval(each), _number(each.log_loss), _number(each.ece))
        for each in trained.scores
    ]
    print_table(["on held-out rows", "AUC", "95% interval", "log-loss", "ECE"], rows)
    bins = [
        (f"{each.low:.1f} to {each.high:.1f}", each.rows, _number(each.predicted), _number(each.observed))
        for each in trained.scores[0].reliability
    ]
    print_text("")
    print_table(["predicted", "rows", "mean predicted", "came true"], bins)


def _warn(examples: Examples, trained: Trained) -> None:
    model, others = trained.scores[0], trained.scores[1:]
    if trained.options.split == "leaky-rows":
        say(LEAKS, "yellow")
    if not _mixed_tasks(examples):
        say(ONE_LABEL, "yellow")
    if model.low is None or model.low <= 0.5:
        say("the AUC's interval reaches 0.5: nothing shows that this model can tell good cases from bad", "yellow")
    elif best := max((each for each in others if (each.auc or 0) >= (model.auc or 0)), key=_auc, default=None):
        say(f"no better than {best.name}", "yellow")


def _told(
    examples: Examples, trained: Trained, folder: Path | None, fingerprint: str | None, seconds: float
) -> dict[str, Any]:
    from memory.training.train import as_json

    parts = trained.parts
    return {
        "model": str(folder) if folder is not None else None,
        "fingerprint": fingerprint,
        "encoder": trained.spec.name,
        "fine_tuned": trained.tuned is not None and trained.best_epoch > 0,
        "split": trained.options.split,
        "leaks": trained.options.split == "leaky-rows",
        "seed": trained.options.seed,
        "epochs": trained.epochs,
        "best_epoch": trained.best_epoch,
        "data": {
            "fingerprint": trained.data,
            "rows": len(examples.rows),
            "tasks": len({row.group for row in examples.rows}),
            "tasks_with_both_outcomes": _mixed_tasks(examples),
            "train": len(parts.train),
            "validation": len(parts.validation),
            "test": len(parts.test),
            "own_task_left_out": parts.own_task,
            "shown_cases_gone": examples.gone,
            "bad": [{"line": each.line, "reason": each.reason} for each in examples.rejected],
        },
        "results": as_json(trained.scores),
        "seconds": round(seconds, 1),
    }


def _mixed_tasks(examples: Examples) -> int:
    """How many tasks went right one time and wrong another."""
    outcomes: dict[str, set[int]] = {}
    for row in examples.rows:
        outcomes.setdefault(row.group, set()).add(row.label)
    return sum(len(each) > 1 for each in outcomes.values())


def _auc(each: Score) -> float:
    return each.auc or 0.0


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(each: Score) -> str:
    return "" if each.low is None or each.high is None else f"{each.low:.3f} to {each.high:.3f}"
