"""Retrieval and import against the original's way, both sides in one run: `python -m benchmarks.retrieval [BANK]`.

Retrieval: for every question the original embeds the whole bank and the question with sentence-transformers and takes
the top k by cosine; ours is `CaseMemory.retrieve`, the question's embedding included. Both sides have model and bank
loaded. Import: one `memento cases import` of the file against one such command a case, and the same two inside one open
memory; one at a time is measured on a part and scaled. Medians over repetitions, ratios taken in pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec

from benchmarks.original import OriginalEncoder
from configs.settings import Settings, load_settings
from memory.case_memory import CaseMemory
from memory.exchange import read_file
from memory.open_memories import open_case_memory

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

P = ParamSpec("P")
BANK = Path(__file__).resolve().parents[2] / "shared" / "data" / "memory.jsonl"
K = 4
SYNTHETIC_CASES = 1278
LARGER_CASES = 10_000
QUESTIONS = 20
ENCODED = 256
"""Tasks the original's encoder is measured on; the time for the whole bank is scaled from it."""
COMMANDS_MEASURED = 3
CALLS_MEASURED = 40


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of each repetition, the baseline's scaled where only a part was measured."""

    name: str
    baseline: str
    baseline_seconds: list[float]
    ours_seconds: list[float]
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """Median over the repetitions of how many times faster ours was."""
        pairs = zip(self.baseline_seconds, self.ours_seconds, strict=True)
        return statistics.median(baseline / ours for baseline, ours in pairs)

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return "for comparison"
        return f"goal {self.goal:.0f}x: {'met' if self.ratio >= self.goal else 'MISSED'}"


def main() -> int:
    """Run everything, print the table, write JSON where asked; 1 when a goal was missed."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="memento-bench-") as folder:
        path, origin = bank_file(options.bank, Path(folder))
        entries, _ = read_file(path, "default")
        print(f"bank: {len(entries)} cases, {origin}; {platform.machine()}, {os.cpu_count()} CPUs; k={K}")
        print(f"{options.repetitions} repetitions, medians", flush=True)
        larger = larger_bank(path, len(entries), Path(folder))
        results = [
            *measure_retrieval(path, Path(folder), options.repetitions, goal=800),
            *measure_retrieval(larger, Path(folder), options.repetitions, goal=5_000),
            *measure_import(path, Path(folder), options.repetitions),
        ]
    for result in results:
        print(row(result))
    if options.json is not None:
        measured = [{**asdict(result), "ratio": result.ratio} for result in results]
        options.json.write_text(json.dumps({"bank": origin, "cases": len(entries), "results": measured}, indent=2))
    return 0 if all(result.goal is None or result.ratio >= result.goal for result in results) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__.partition("\n")[0])
    parser.add_argument("bank", nargs="?", type=Path, help="JSONL in a format that `memento cases import` reads")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def bank_file(given: Path | None, folder: Path) -> tuple[Path, str]:
    """The bank to measure on, and where it is from."""
    if given is not None or BANK.is_file():
        return given or BANK, f"of {(given or BANK).name}"
    path = folder / "synthetic.jsonl"
    path.write_text("".join(f"{json.dumps(case)}\n" for case in synthetic_cases()), encoding="utf-8")
    return path, "synthetic (seed 0), the original's bank not being there"


def larger_bank(path: Path, size: int, folder: Path) -> Path:
    """The bank filled up with made-up cases to LARGER_CASES."""
    larger = folder / f"{LARGER_CASES}-cases.jsonl"
    rows = synthetic_cases(max(LARGER_CASES - size, 0))
    larger.write_bytes(path.read_bytes() + b"\n" + "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    return larger


def synthetic_cases(count: int = SYNTHETIC_CASES) -> list[dict[str, object]]:
    draw = random.Random(0)
    relations = ["capital", "birthplace", "employer", "mother", "publisher", "genre", "spouse", "height", "composer"]
    subjects = ["river", "film", "novel", "city", "painter", "album", "bridge", "university", "general", "opera"]
    questions = (
        f"What is the {draw.choice(relations)} of the {draw.choice(subjects)} numbered {number} in the {place} list?"
        for number in range(count)
        for place in [draw.choice(["northern", "second", "oldest", "national", "longest"])]
    )
    steps = [{"id": 1, "description": "Find the entry in the list."}, {"id": 2, "description": "Look the value up."}]
    return [{"question": text, "plan": {"plan": steps}, "reward": int(draw.random() < 0.7)} for text in questions]


def measure_retrieval(path: Path, folder: Path, repetitions: int, goal: float) -> list[Comparison]:
    entries, _ = read_file(path, "default")
    tasks = [entry.case.task for entry in entries]
    questions = [f"{task} And why?" for task in random.Random(1).sample(tasks, repetitions * QUESTIONS)]
    same, original, ours = asyncio.run(compare_retrieval(path, home(folder, path.stem), tasks, questions))
    name = f"retrieve, {len(tasks)} cases"
    return [
        Comparison(name, "the original: the bank through BERT-base", original, ours, goal),
        Comparison(name, "the bank through the same encoder as ours", same, ours),
    ]


async def compare_retrieval(
    path: Path, settings: Settings, tasks: Sequence[str], questions: Sequence[str]
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each repetition: the bank through the same encoder and through the original's, both for one question,
    and the median of ours over several.
    """
    model, encoder = reference_model(), OriginalEncoder()
    same, original, ours = [], [], []
    async with open_case_memory(settings) as memory:
        await memory.import_file(path, namespace="default")
        await ask(memory, "warm-up")
        for start in range(0, len(questions), QUESTIONS):
            part = questions[start : start + QUESTIONS]
            same.append(timed(originals_top_k, model, tasks, part[0]))
            some = tasks[start : start + ENCODED]
            original.append(timed(encoder.encode, [*some, part[0]]) * len(tasks) / len(some))
            ours.append(statistics.median([await ask(memory, question) for question in part]))
    return same, original, ours


async def ask(memory: CaseMemory, question: str) -> float:
    started = time.perf_counter()
    await memory.retrieve(question, policy="cosine", k=K, namespace="default")
    return time.perf_counter() - started


def reference_model() -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    from memory.minilm import bundled_folder

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    model = SentenceTransformer(str(bundled_folder()), device="cpu")
    model.encode(["warm-up"])
    return model


def originals_top_k(model: SentenceTransformer, tasks: Sequence[str], question: str) -> list[int]:
    """What the original does for each question: everything is embedded anew, nothing is kept."""
    bank = model.encode(list(tasks), normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False)
    query = model.encode([question], normalize_embeddings=True, convert_to_tensor=True, show_progress_bar=False)
    return [int(row) for row in (bank @ query[0]).topk(min(K, len(tasks))).indices]


def measure_import(path: Path, folder: Path, repetitions: int) -> list[Comparison]:
    lines = path.read_bytes().splitlines(keepends=True)
    commands: tuple[list[float], list[float]] = ([], [])
    calls: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions):
        at = str(repetition)
        one_a_command = timed(import_singly, lines[:COMMANDS_MEASURED], folder / f"single-{at}")
        commands[0].append(one_a_command * len(lines) / COMMANDS_MEASURED)
        commands[1].append(timed(import_command, path, folder / f"batch-{at}"))
        singly, batch = asyncio.run(import_in_memory(path, home(folder, f"calls-{at}"), home(folder, f"whole-{at}")))
        calls[0].append(singly)
        calls[1].append(batch)
    return [
        Comparison("import", f"one command a case (scaled from {COMMANDS_MEASURED})", *commands, goal=20),
        Comparison("import, memory open", f"one call a case (scaled from {CALLS_MEASURED})", *calls),
    ]


def import_singly(lines: Sequence[bytes], home_folder: Path) -> None:
    for line in lines:
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            file.write(line)
            file.flush()
            import_command(Path(file.name), home_folder)


def import_command(path: Path, home_folder: Path) -> None:
    command = [sys.executable, "-m", "cli", "cases", "import", str(path)]
    environment = {**os.environ, "MEMENTO_HOME": str(home_folder)}
    subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603  # our own command line


async def import_in_memory(path: Path, single: Settings, whole: Settings) -> tuple[float, float]:
    """Seconds for one call a case, scaled to the whole file, and for one call; embedder and index are open."""
    entries, _ = read_file(path, "default")
    cases = [entry.case for entry in entries]
    async with open_case_memory(single) as memory:
        await ask(memory, "warm-up")
        started = time.perf_counter()
        for case in cases[:CALLS_MEASURED]:
            await memory.import_cases([case])
        singly = (time.perf_counter() - started) * len(cases) / min(CALLS_MEASURED, len(cases))
    async with open_case_memory(whole) as memory:
        await ask(memory, "warm-up")
        started = time.perf_counter()
        await memory.import_cases(cases)
        return singly, time.perf_counter() - started


def home(folder: Path, name: str) -> Settings:
    return load_settings(overrides=[f"home={folder / name}"])


def timed(work: Callable[P, object], *arguments: P.args, **options: P.kwargs) -> float:
    started = time.perf_counter()
    work(*arguments, **options)
    return time.perf_counter() - started


def row(result: Comparison) -> str:
    baseline, ours = (statistics.median(seconds) for seconds in (result.baseline_seconds, result.ours_seconds))
    return (
        f"{result.name:<22} {ours:>9.4f} s   {result.baseline:<40} {baseline:>9.2f} s   "
        f"{result.ratio:>6.0f}x   {result.verdict}"
    )


if __name__ == "__main__":
    sys.exit(main())
