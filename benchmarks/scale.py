"""The case memory at size, with given embeddings: `python -m benchmarks.scale [--sizes N...] [--json PATH]`.

For each size: import against bare Chroma adding the same vectors (both in one run, alternating), recall@4 of search
against exact search, a bandit's choice and its parts, an update, reopening, memory and disk. Vectors are drawn by seed
from 2,000 clusters in 384 dimensions with isotropic noise, which is hard for an approximate index; texts are made up.
A million (`make bench-million`) is imported once, without the comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.made_up_cases import case, nearby, text, vectors
from configs.settings import Settings, load_settings
from memory.candidates import Found, find_candidates
from memory.case_bank import CaseBank
from memory.embedding import Vectors
from memory.entries import Entry
from memory.episode import Episode, Shown
from memory.policies.base import Pick, PolicyOptions
from memory.policies.registry import make_policy

K = 4
NAMESPACE = "default"
PART = 50_000
"""Cases in one import call."""
COMPARED = 100_000
"""Up to this size bare Chroma is measured beside ours."""
QUERIES = 200
UPDATES = 500
MB = 1024 * 1024


@dataclass(slots=True)
class Figures:
    """What was measured at one size; times in seconds or, where the name says so, milliseconds (median, p95)."""

    cases: int
    import_seconds: list[float] = field(default_factory=list)
    bare_chroma_seconds: list[float] = field(default_factory=list)
    recall_at_4: float = 0.0
    search_ms: tuple[float, float] = (0.0, 0.0)
    candidates_ms: tuple[float, float] = (0.0, 0.0)
    choice_ms: tuple[float, float] = (0.0, 0.0)
    embedding_ms: tuple[float, float] = (0.0, 0.0)
    update_ms: tuple[float, float] = (0.0, 0.0)
    write_ms: tuple[float, float] = (0.0, 0.0)
    reopen_seconds: float = 0.0
    first_search_seconds: float = 0.0
    resident_mb: float = 0.0
    disk_mb: float = 0.0


def main() -> int:
    """Measure each size, print a line a figure, write JSON where asked; 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_278, 10_000, 100_000])
    parser.add_argument("--repetitions", type=int, default=2, help="of import, beside bare Chroma")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs; k={K}, 384 dimensions", flush=True)
    measured = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="memento-scale-") as folder:
            figures = measure(size, Path(folder), options.repetitions)
        measured.append(figures)
        print_figures(figures)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(one) for one in measured], indent=2), encoding="utf-8")
    return 0 if all(met for one in measured for _, met in goals(one)) else 1


def measure(size: int, folder: Path, repetitions: int) -> Figures:
    figures = Figures(size)
    given = vectors(size)
    compared = size <= COMPARED
    for repetition in range(repetitions if compared else 1):
        if compared:
            figures.bare_chroma_seconds.append(timed(lambda at=repetition: bare_chroma(folder / f"bare-{at}", given)))  # type: ignore[misc]
        settings = load_settings(overrides=[f"home={folder / f'home-{repetition}'}"])
        figures.import_seconds.append(imported(settings, given))
    figures.disk_mb = sum(path.stat().st_size for path in settings.home.rglob("*") if path.is_file()) / MB
    bank = CaseBank(settings)
    figures.reopen_seconds = timed(bank.open)
    queries = nearby(given, QUERIES)
    figures.first_search_seconds = timed(lambda: bank.nearest(NAMESPACE, queries[0], K))
    try:
        measure_search(bank, given, queries, figures)
        measure_choice(bank, queries, figures)
        figures.write_ms = spread(
            lambda number: bank.add([Entry(case(size + number))], {case(size + number).id: queries[number]}), 20
        )
    finally:
        bank.close()
    figures.resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - given.nbytes / MB
    return figures


def imported(settings: Settings, given: Vectors) -> float:
    """Seconds to import every case in parts; the bank is open and its embedder loaded."""
    bank = CaseBank(settings)
    try:
        bank.embed("warm-up")
        spent = 0.0
        for start in range(0, len(given), PART):
            entries = [Entry(case(number)) for number in range(start, min(start + PART, len(given)))]
            known = {entry.case.id: given[start + at] for at, entry in enumerate(entries)}
            started = time.perf_counter()
            bank.add(entries, known)
            spent += time.perf_counter() - started
            if len(given) > COMPARED:
                print(f"  {start + len(entries):>9,} cases in {spent:6.0f} s", flush=True)
        return spent
    finally:
        bank.close()


def bare_chroma(folder: Path, given: Vectors) -> None:
    """The same vectors added to one Chroma collection with its defaults, ids only, in the largest parts it takes."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    client = chromadb.PersistentClient(str(folder), settings=ChromaSettings(anonymized_telemetry=False))
    collection = client.create_collection("bare", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
    for start in range(0, len(given), 5_000):
        part = given[start : start + 5_000]
        collection.add(ids=[f"{number:016x}" for number in range(start, start + len(part))], embeddings=part)


def measure_search(bank: CaseBank, given: Vectors, queries: Vectors, figures: Figures) -> None:
    """Recall@4 over successes and failures together against exact search, and the time of a search."""
    ids = [case(number).id for number in range(len(given))]
    hits = 0
    for query in queries:
        found = sorted(bank.nearest(NAMESPACE, query, K), key=lambda one: -(one.cosine or 0.0))[:K]
        exact = np.argpartition(given @ query, -K)[-K:]
        hits += len({one.case_id for one in found} & {ids[row] for row in exact})
    figures.recall_at_4 = hits / (K * len(queries))
    figures.search_ms = spread(lambda number: bank.nearest(NAMESPACE, queries[number], K), len(queries))


def measure_choice(bank: CaseBank, queries: Vectors, figures: Figures) -> None:
    """The parts of a bandit's retrieval: the query's embedding, candidates with features, the choice, an update."""
    policy = make_policy("bandit", PolicyOptions(seed=0))
    texts = [text(number) for number in range(len(queries))]
    figures.embedding_ms = spread(lambda number: bank.embed(f"{texts[number]} And why?"), 50)
    pools: list[Found] = []
    figures.candidates_ms = spread(
        lambda number: pools.append(find_candidates(bank, policy, texts[number], NAMESPACE, K, vector=queries[number])),
        len(queries),
    )
    slates: list[list[Pick]] = []
    figures.choice_ms = spread(
        lambda number: slates.append(policy.select(pools[number].query, pools[number].candidates, K)), len(queries)
    )
    finished = [(case(at), episode(pools[at % QUERIES], slates[at % QUERIES])) for at in range(UPDATES)]
    figures.update_ms = spread(lambda number: policy.update(*finished[number]), UPDATES)


def episode(pool: Found, slate: Sequence[Pick]) -> Episode:
    """A choice as the journal keeps it, without the candidates."""
    features = {candidate.case_id: candidate.features for candidate in pool.candidates}
    shown = tuple(Shown(case_id=pick.case_id, features=features[pick.case_id]) for pick in slate)
    return Episode(policy="bandit", k=K, context=pool.query.context, slate=shown)


def goals(figures: Figures) -> list[tuple[str, bool]]:
    """The goals that hold at this size, and whether they are met."""
    found = []
    if figures.cases >= 10_000 and figures.bare_chroma_seconds:
        speed = statistics.median(
            bare / ours for bare, ours in zip(figures.bare_chroma_seconds, figures.import_seconds, strict=True)
        )
        found.append((f"import at {speed:.0%} of bare Chroma's speed, goal 80%", speed >= 0.8))
    if figures.cases == 10_000:
        found.append((f"choice p95 {figures.choice_ms[1]:.2f} ms, goal 5", figures.choice_ms[1] <= 5))
        found.append((f"update p95 {figures.update_ms[1]:.2f} ms, goal 1", figures.update_ms[1] <= 1))
    if figures.cases == 100_000:
        found.append((f"recall@4 {figures.recall_at_4:.3f}, goal 0.99", figures.recall_at_4 >= 0.99))
    return found


def print_figures(figures: Figures) -> None:
    cases = figures.cases
    print(f"{cases:,} cases")
    print(f"  import            {rates(cases, figures.import_seconds)} cases/s")
    if figures.bare_chroma_seconds:
        print(f"  bare Chroma       {rates(cases, figures.bare_chroma_seconds)} vectors/s")
    print(f"  recall@4          {figures.recall_at_4:.4f}")
    for name in ("search", "candidates", "choice", "embedding", "update", "write"):
        middle, high = getattr(figures, f"{name}_ms")
        print(f"  {name:<16}  {middle:8.2f} ms, p95 {high:.2f} ms")
    print(f"  reopen            {figures.reopen_seconds:8.2f} s, first search {figures.first_search_seconds:.2f} s")
    print(f"  memory, disk      {figures.resident_mb:8.0f} MB resident at most, {figures.disk_mb:.0f} MB on disk")
    for line, met in goals(figures):
        print(f"  {line}: {'met' if met else 'MISSED'}")
    sys.stdout.flush()


def rates(cases: int, seconds: Sequence[float]) -> str:
    return ", ".join(f"{cases / each:,.0f}" for each in seconds)


def spread(work: Callable[[int], object], times: int) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds of calls with 0, 1, 2, ..."""
    spent = [timed(lambda at=number: work(at)) * 1000 for number in range(times)]  # type: ignore[misc]
    return float(np.percentile(spent, 50)), float(np.percentile(spent, 95))


def timed(work: Callable[[], object]) -> float:
    """Seconds a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
