"""What Q(task, case) learns from the original's logged rows: `python -m benchmarks.original_data [ROWS]`.

`training_data.jsonl` holds 7,000 rows of 874 queries with one outcome each, so the AUC says how well queries are told
apart, never which of a query's cases helps. Each model is trained and measured on the same rows as the baselines: by
task, so that no query of the test was trained on, and by row as the original splits, where a lookup table is perfect.
Intervals are 95% bootstraps over queries; over several seeds (splits) the mean and the range are given as well. Last,
the time of one choice of the `parametric` policy over as many cases as the rows name, query encoding included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory.policies.base import Candidate, PolicyOptions, Query
from memory.policies.parametric import Parametric
from memory.training.encoded import Encoded
from memory.training.examples import Examples, from_file
from memory.training.splits import Split
from memory.training.store import NAME
from memory.training.train import MODEL, Trained, TrainOptions, as_json, encode_examples, save, train

ROWS = Path(__file__).resolve().parents[2] / "shared" / "data" / "training_data.jsonl"
SEEDS = 5
TUNING_SECONDS = 600.0
K = 4
CHOICES = 200


@dataclass(frozen=True, slots=True)
class Run:
    """One training, and its seconds; the encoding shared by all is not in it."""

    title: str
    trained: Trained
    seconds: float


def main() -> int:
    """Train, measure, print tables, write JSON where asked; 2 when the rows are not there."""
    options = arguments()
    if not options.rows.is_file():
        print(f"{options.rows}: not there; name the original's training_data.jsonl")
        return 2
    examples = from_file(options.rows)
    queries = len({row.group for row in examples.rows})
    print(f"{len(examples.rows)} rows, {queries} queries, {len(cases_of(examples))} cases", flush=True)
    started = time.monotonic()
    encoded = encode_examples(examples, None, quiet)
    print(f"{len(encoded.rows.texts)} distinct texts encoded in {time.monotonic() - started:.0f} s")
    frozen = [
        measured("frozen encoder", examples, encoded, TrainOptions(seed=seed)) for seed in range(max(options.seeds, 1))
    ]
    show(frozen[0])
    show_seeds(frozen)
    leaky = measured("frozen encoder", examples, encoded, TrainOptions(split="leaky-rows"))
    show(leaky)
    runs = [*frozen, leaky]
    if options.tuning_seconds > 0:
        wish = TrainOptions(fine_tune=True, max_seconds=options.tuning_seconds, untuned_may_win=False)
        runs.append(measured("fine-tuned encoder", examples, encoded, wish))
        show(runs[-1])
    times = choice_times(examples, frozen[0].trained)
    median, late = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    print(f"\none choice over {len(cases_of(examples))} cases: median {median:.1f} ms, 95th percentile {late:.1f} ms")
    if options.json is not None:
        told = {"rows": len(examples.rows), "queries": queries, "runs": [as_told(run) for run in runs]}
        options.json.write_text(json.dumps({**told, "choice_ms": {"median": median, "p95": late}}, indent=2))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.original_data", description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="?", type=Path, default=ROWS, help="the original's training_data.jsonl")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="splits by task for the frozen encoder")
    parser.add_argument("--tuning-seconds", type=float, default=TUNING_SECONDS, help="bound of fine-tuning; 0: none")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def measured(title: str, examples: Examples, encoded: Encoded, options: TrainOptions) -> Run:
    started = time.monotonic()
    trained = train(examples, options, quiet, encoded)
    return Run(title, trained, time.monotonic() - started)


def quiet(phase: str, done: int, total: int) -> None:
    """Nobody waits for a bar here."""


def show(run: Run) -> None:
    trained, split = run.trained, run.trained.options.split
    sizes = f"{len(trained.parts.train)}/{len(trained.parts.validation)}/{len(trained.parts.test)} rows"
    print(
        f"\n{title_of(run.title, split)}; {sizes}, epoch {trained.best_epoch} of {trained.epochs}, {run.seconds:.0f} s"
    )
    for each in trained.scores:
        ends = "" if each.low is None else f"[{each.low:.3f}, {each.high:.3f}]"
        rest = "" if each.log_loss is None else f"log-loss {each.log_loss:.3f}   ECE {each.ece:.3f}"
        print(f"  {each.name:<34} AUC {each.auc or 0:.3f} {ends:<16} {rest}", flush=True)


def title_of(title: str, split: Split) -> str:
    leak = " (LEAKS: tests queries that were trained on)" if split == "leaky-rows" else ""
    return f"{title}, split {split}{leak}, seed 0"


def show_seeds(runs: list[Run]) -> None:
    """Mean and range of the AUC and the mean log-loss over the splits."""
    print(f"\nfrozen encoder, split by-task, {len(runs)} seeds")
    for place, first in enumerate(runs[0].trained.scores):
        scores = [run.trained.scores[place] for run in runs]
        areas = [each.auc or 0.0 for each in scores]
        losses = [each.log_loss for each in scores if each.log_loss is not None]
        rest = f"log-loss {statistics.mean(losses):.3f}" if losses else ""
        print(f"  {first.name:<34} AUC {statistics.mean(areas):.3f} ({min(areas):.3f} to {max(areas):.3f})   {rest}")


def cases_of(examples: Examples) -> dict[str, bool]:
    """The distinct case texts and their outcomes."""
    return {row.case_text: row.succeeded for row in examples.rows}


def choice_times(examples: Examples, trained: Trained) -> list[float]:
    """Milliseconds of choices for different queries, after a first one that encodes the cases."""
    texts = cases_of(examples)
    names = {str(number): text for number, text in enumerate(texts)}
    candidates = [Candidate(id_, 1 if texts[text] else 0, float(id_)) for id_, text in names.items()]
    queries = list(dict.fromkeys(row.query for row in examples.rows))[: CHOICES + 1]
    times = []
    with tempfile.TemporaryDirectory(prefix="memento-bench-") as folder:
        save(trained, Path(folder) / NAME)
        policy = Parametric(PolicyOptions(models=Path(folder)))
        for query in queries:
            started = time.perf_counter()
            policy.select(Query(query, texts=lambda ids: [names[id_] for id_ in ids]), candidates, K)
            times.append((time.perf_counter() - started) * 1000)
    return times[1:]


def as_told(run: Run) -> dict[str, Any]:
    options = run.trained.options
    return {
        "model": MODEL,
        "encoder": run.title,
        "split": options.split,
        "leaks": options.split == "leaky-rows",
        "seed": options.seed,
        "best_epoch": run.trained.best_epoch,
        "epochs": run.trained.epochs,
        "seconds": run.seconds,
        "results": as_json(run.trained.scores),
    }


if __name__ == "__main__":
    sys.exit(main())
