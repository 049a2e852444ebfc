"""Q(task, case) for one task over a bank, against the original's way: `python -m benchmarks.parametric [BANK]`.

The original encodes every case with a BERT-base encoder again for each task, then scores all pairs. Its weights do not
matter for the time and cannot be fetched offline: the encoder here is BERT-base of the published size with weights
drawn by seed, fed the bundled tokenizer's tokens. It is measured on a part of the bank and scaled. Ours is the
`parametric` policy as it runs before training: one pass of its encoder for the task, and cached case vectors; a
trained head adds one small matrix product (`benchmarks.original_data` times that). Both sides run in turn in one
process; medians over repetitions.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.original import OriginalEncoder
from benchmarks.retrieval import bank_file
from memory.case import Case, case_text
from memory.exchange import read_file
from memory.policies.base import Candidate, PolicyOptions, Query
from memory.policies.parametric import Parametric

GOAL = 5_000
K = 4
MEASURED = 64
"""Cases the original's way is measured on; the time for the whole bank is scaled from it."""
CHOICES = 20


def main() -> int:
    """Measure, print, write JSON where asked; 1 when the goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parametric", description=__doc__.partition("\n")[0])
    parser.add_argument("bank", nargs="?", type=Path, help="JSONL in a format that `memento cases import` reads")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memento-bench-") as folder:
        path, origin = bank_file(options.bank, Path(folder))
        cases = [entry.case for entry in read_file(path, "default")[0]]
    baseline, ours = compare(cases, options.repetitions)
    ratio = statistics.median(slow / fast for slow, fast in zip(baseline, ours, strict=True))
    met = ratio >= GOAL
    print(
        f"parametric, {len(cases)} cases {origin}: {statistics.median(ours) * 1000:.1f} ms against "
        f"{statistics.median(baseline):.0f} s (scaled from {MEASURED} cases), {ratio:,.0f}x, "
        f"goal {GOAL:,}x: {'met' if met else 'MISSED'}"
    )
    if options.json is not None:
        options.json.write_text(json.dumps({"baseline_seconds": baseline, "ours_seconds": ours, "ratio": ratio}))
    return 0 if met else 1


def compare(cases: list[Case], repetitions: int) -> tuple[list[float], list[float]]:
    """Seconds of one task, each repetition: the original's way, and the median of several of ours."""
    encoder = OriginalEncoder()
    texts = {case.id: case_text(case.task, case.plan) for case in cases}
    candidates = [Candidate(case.id, case.reward or 0, case.created_at) for case in cases]
    policy = Parametric(PolicyOptions())

    def choose(task: str) -> float:
        started = time.perf_counter()
        policy.select(Query(task, texts=lambda ids: [texts[id_] for id_ in ids]), candidates, K)
        return time.perf_counter() - started

    choose("A first choice encodes the cases.")
    baseline, ours = [], []
    for repetition in range(repetitions):
        part = list(texts.values())[repetition * MEASURED : (repetition + 1) * MEASURED]
        baseline.append(original(encoder, part, cases[repetition].task) * len(cases) / len(part))
        ours.append(statistics.median(choose(f"{case.task} And why?") for case in cases[:CHOICES]))
    return baseline, ours


def original(encoder: OriginalEncoder, texts: list[str], task: str) -> float:
    """Seconds to encode these cases and the task, and to score the pairs; nothing is kept from one task to the next."""
    import torch

    started = time.perf_counter()
    bank, query = encoder.encode(texts), encoder.encode([task])
    torch.cat([query.expand_as(bank), bank], dim=1).sum(dim=1).topk(K)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
