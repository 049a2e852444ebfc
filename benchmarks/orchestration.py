"""What the agent itself costs: `python -m benchmarks.orchestration [--json FILE]`.

Every question goes through `graph.aask`: the real graph with SQLite checkpoints written before each step
(durability="sync"), the real MCP servers, a real case bank that is read and written, and the right answer is checked.
Only the model is made up, in two ways, and each line says which:

- http: a loopback server of the OpenAI API in a process of its own, asked by the real langchain-openai client;
- in process: a chat model in this process, so that the difference is what the HTTP client costs.

A: wall time over the critical path (plan, tool call, result, answer: four replies) with a model that takes 500 ms,
beside the same with parallelism=1. B: one question after another with a model that takes no time; nothing is
subtracted, so that indexing the case, which goes on after the answer, is in the next one's time. C: the same at many
conversation threads at once in one process. Processor time is this process's, with all its threads.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from benchmarks.instant_model import InstantModels
from benchmarks.model_server import model_server
from benchmarks.orders import Order
from configs.settings import Settings, load_settings
from graph.api import aask
from graph.context import Context
from graph.services import Services, open_services

Model = Literal["http", "in process"]
MODELS: tuple[Model, ...] = ("http", "in process")
LATENCY = 0.5
REPLIES_DEEP = 4
"""Model replies one after another in a question whose subtasks do not wait for each other."""
PARTS_GOALS = {3: 0.05, 8: 0.10}
OWN_GOAL = 0.150
RATE_GOAL = 20.0
THREADS = 64
WARM_UP = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: `value` is compared to `goal`, where there is one."""

    name: str
    model: Model
    value: float
    text: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    @property
    def verdict(self) -> str:
        return "for comparison" if self.goal is None else "goal met" if self.met else "goal MISSED"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question took, in seconds."""

    wall: float
    processor: float


class Asker:
    """Asks one new question after another and checks the answers."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._numbers = itertools.count(1000)

    async def ask(self, parts: int = 3, *, thread: str | None = None, parallelism: int = 8) -> Asked:
        """One question of so many parts.

        Raises:
            RuntimeError: it was not answered rightly, or its case was not written.
        """
        order = Order(next(self._numbers), parts)
        began, used = time.perf_counter(), time.process_time()
        result = await aask(
            order.question,
            expected=order.expected,
            thread_id=thread,
            context=Context(parallelism=parallelism),
            services=self._services,
        )
        asked = Asked(time.perf_counter() - began, time.process_time() - used)
        if result.reward != 1 or result.case_id is None or result.usage.llm_calls != 2 * parts + 2:
            raise RuntimeError(f"a question went wrong: {result}")
        return asked


def main() -> int:
    """Measure, print, and write JSON where asked; 1 when a goal was missed."""
    options = arguments()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start")
    figures: list[Figure] = []
    for figure in measured(options):
        figures.append(figure)
        print(row(figure), flush=True)
    print(f"load {os.getloadavg()[0]:.1f} at the end: with other work on the machine all of this is slower")
    if options.json is not None:
        options.json.write_text(json.dumps([{**asdict(each), "met": each.met} for each in figures], indent=2))
    return 0 if all(figure.met for figure in figures) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestration", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=["A", "B", "C"], help="one of the three parts")
    parser.add_argument("--repetitions", type=int, default=5, help="questions of A each, and 6 times as many of B")
    parser.add_argument("--questions", type=int, default=6, help="of each conversation thread of C")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def measured(options: argparse.Namespace) -> Iterator[Figure]:
    """The figures, each as soon as it is there."""
    for model in MODELS:
        if options.only in (None, "A"):
            yield from asyncio.run(critical_path(model, options.repetitions))
    for model in MODELS:
        if options.only in (None, "B"):
            yield asyncio.run(one_by_one(model, 6 * options.repetitions))
    for model in MODELS:
        if options.only in (None, "C"):
            yield asyncio.run(at_once(model, THREADS, options.questions))


async def critical_path(model: Model, repetitions: int) -> list[Figure]:
    """A: how much longer questions take than their replies one after another."""
    figures = []
    async with asker(model, LATENCY) as asking:
        for parts, goal in PARTS_GOALS.items():
            path = REPLIES_DEEP * LATENCY
            walls = [(await asking.ask(parts)).wall for _ in range(repetitions)]
            alone = (await asking.ask(parts, parallelism=1)).wall
            value = over(walls, path)
            text = f"{statistics.median(walls):.3f} s, {value:.1%} over {path:.1f} s; parallelism=1: {alone:.2f} s"
            figures.append(Figure(f"A: {parts} subtasks", model, value, text, goal if model == "http" else None))
    return figures


async def one_by_one(model: Model, questions: int) -> Figure:
    """B: what a question costs with a model that takes no time."""
    async with asker(model) as asking:
        asked = [await asking.ask() for _ in range(questions)]
    wall = statistics.median(each.wall for each in asked)
    processor = statistics.median(each.processor for each in asked)
    best = min(each.wall for each in asked)
    text = f"{wall * 1e3:.0f} ms a question, at best {best * 1e3:.0f}; {processor * 1e3:.0f} ms of CPU"
    return Figure("B: one by one", model, wall, text, OWN_GOAL if model == "in process" else None)


async def at_once(model: Model, threads: int, questions: int) -> Figure:
    """C: how many questions a second so many conversations have answered, each asking one after another."""
    async with asker(model) as asking:

        async def converse(name: str) -> None:
            for _ in range(questions):
                await asking.ask(thread=name)

        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(converse(f"thread-{number}") for number in range(threads)))
        wall, processor = time.perf_counter() - began, time.process_time() - used
    count = threads * questions
    text = f"{count / wall:.1f} questions/s at {threads} threads; {processor / count * 1e3:.0f} ms of CPU a question"
    return Figure("C: at once", model, count / wall, text, RATE_GOAL if model == "in process" else None, at_least=True)


@asynccontextmanager
async def asker(model: Model, latency: float = 0.0) -> AsyncIterator[Asker]:
    """Fresh services in an empty home, warmed up: models, tool servers and case bank open at first use."""
    with tempfile.TemporaryDirectory(prefix="memento-bench-") as home, model_server(latency) as url:
        async with open_services(bench_settings(Path(home), url)) as services:
            live = services if model == "http" else replace(services, models=InstantModels(latency))
            asking = Asker(live)
            for _ in range(WARM_UP):
                await asking.ask()
            yield asking


def bench_settings(home: Path, url: str) -> Settings:
    """Defaults, but for the model, the judge (the expected answer judges) and the home."""
    names = ["planner_model=openai:made-up", "executor_model=openai:made-up", "judge_model=none"]
    return load_settings(overrides=[f"home={home}", f"openai_base_url={url}", "openai_api_key=none", *names])


def over(walls: list[float], path: float) -> float:
    """The share by which the median is longer than the critical path."""
    return statistics.median(walls) / path - 1


def row(figure: Figure) -> str:
    return f"{figure.name:15} {figure.model:10} {figure.text:75} {figure.verdict}"


if __name__ == "__main__":
    raise SystemExit(main())
