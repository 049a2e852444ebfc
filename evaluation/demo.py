"""The demo: the same frozen model on the same tasks, without memory and with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from configs import errors
from configs.settings import Settings
from evaluation.attempts import Attempt, Comparison, accuracy, pair_to_show
from evaluation.curve import curve_text, draw_curve
from evaluation.demo_homes import keep_cases, prepare_homes
from evaluation.demo_story import limit_points, pair_text, points_text, shown_points, wordings_return
from evaluation.demo_tasks import FAMILIES, DemoTask, demo_stream
from evaluation.report import Report, write_report
from evaluation.starter_cases import starter_cases
from graph.api import aask
from graph.context import Context
from graph.events import Event
from graph.results import RunError
from graph.services import Services, open_services
from graph.state import ShownCase

SEED = 0
FAILURES_TO_STOP = 3
WITHOUT, WITH = "without memory", "with memory"

Tell: TypeAlias = Callable[[str], None]
StepDone: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How many rounds each run has; a round holds one task of every family."""

    none: int
    memory: int


FULL, QUICK = Size(none=1, memory=5), Size(none=1, memory=2)


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What `memento demo` found. Accuracies from 0 to 1."""

    none_tasks: int
    none_accuracy: float
    memory_tasks: int
    memory_accuracy: float
    last_third: float
    seconds: float
    report: Path
    picture: Path

    def as_json(self) -> dict[str, Any]:
        """The object `--json` prints."""
        return {
            "none": {"tasks": self.none_tasks, "accuracy": round(self.none_accuracy, 4)},
            "memory": {
                "tasks": self.memory_tasks,
                "accuracy": round(self.memory_accuracy, 4),
                "last_third": round(self.last_third, 4),
            },
            "seconds": round(self.seconds, 1),
            "report": str(self.report),
            "picture": str(self.picture),
        }


async def run_demo(out: Path, settings: Settings, *, quick: bool, tell: Tell, step: StepDone) -> DemoSummary:
    """Run the tasks without memory and with it, tell the story, write picture and report.

    Args:
        out: the folder for picture, report and the two homes of the demo; made if missing.
        settings: of the user; their home lends the model's weights, and gets the successes at the end.
        quick: fewer tasks.
        tell: called with each paragraph for the user.
        step: called with phase, tasks done and tasks in all.

    Raises:
        InvalidInputError: `out` cannot be used.
        OperatorError, ConfigurationError: nothing works, so that the first tasks all failed because of it.
    """
    started = time.monotonic()
    size = QUICK if quick else FULL
    out = await asyncio.to_thread(out.absolute)
    homes = await asyncio.to_thread(prepare_homes, out, settings)
    tasks = demo_stream(size.memory, SEED)
    none = await _run_none(homes.none, tasks[-size.none * len(FAMILIES) :], step)
    memory = await _run_memory(homes.memory, tasks, step)
    compared = Comparison(tuple(none), tuple(memory), block=len(FAMILIES))
    report = _report(compared, settings, size, time.monotonic() - started)
    _tell_story(report, tell)
    picture, page = out / "curve.png", out / "report.html"
    await asyncio.to_thread(_write, report, picture, page)
    tell(await keep_cases(homes.memory, settings, out))
    return DemoSummary(
        none_tasks=len(none),
        none_accuracy=accuracy(none),
        memory_tasks=len(memory),
        memory_accuracy=accuracy(memory),
        last_third=accuracy(compared.last_third),
        seconds=time.monotonic() - started,
        report=page,
        picture=picture,
    )


async def run_tasks(
    services: Services, tasks: Sequence[DemoTask], context: Context, done: Callable[[int], None]
) -> list[Attempt]:
    """Run tasks one after the other; a run that fails is a wrong answer.

    Raises:
        OperatorError, ConfigurationError: each of the first tasks failed with one; the last of them is raised.
    """
    attempts: list[Attempt] = []
    for task in tasks:
        attempts.append(await _attempt(services, task, context))
        if len(attempts) == min(FAILURES_TO_STOP, len(tasks)):
            _stop_if_nothing_works(attempts)
        done(len(attempts))
    return attempts


async def _run_none(settings: Settings, tasks: Sequence[DemoTask], step: StepDone) -> list[Attempt]:
    step(WITHOUT, 0, len(tasks))
    async with open_services(settings) as services:
        return await run_tasks(services, tasks, Context(policy="none"), lambda done: step(WITHOUT, done, len(tasks)))


async def _run_memory(settings: Settings, tasks: Sequence[DemoTask], step: StepDone) -> list[Attempt]:
    step(WITH, 0, len(tasks))
    async with open_services(settings) as services:
        await services.memory.import_cases(starter_cases(settings.namespace), origin="import:starter", vouched=True)
        return await run_tasks(
            services, tasks, Context(policy="cosine-success"), lambda done: step(WITH, done, len(tasks))
        )


async def _attempt(services: Services, task: DemoTask, context: Context) -> Attempt:
    shown: list[ShownCase] = []

    def see(event: Event) -> None:
        if event["type"] == "cases_retrieved":
            shown.extend(event["cases"])

    result = await aask(task.question, expected=task.answer, services=services, context=context, on_event=see)
    return Attempt(task, result, tuple(shown))


def _stop_if_nothing_works(attempts: Sequence[Attempt]) -> None:
    """Raise the last error if every attempt failed for a reason that the model has no part in."""
    failures = [failure_of(each.result.error) for each in attempts]
    if all(failures) and failures[-1] is not None:
        raise failures[-1]


def failure_of(error: RunError | None) -> errors.OperatorError | errors.UserError | None:
    """A run's recorded error as the exception it was, if the machine or the user can fix it; else None."""
    kind = getattr(errors, error.type, None) if error is not None else None
    if error is None or not (isinstance(kind, type) and issubclass(kind, errors.OperatorError | errors.UserError)):
        return None
    return kind(error.message)


def _report(compared: Comparison, settings: Settings, size: Size, seconds: float) -> Report:
    seen = wordings_return(FAMILIES, size.memory, size.none)
    return Report(
        compared=compared,
        shown=pair_to_show(compared.pairs),
        shows=shown_points(compared),
        limits=limit_points(compared, settings.planner_model, wordings_seen=seen),
        model=settings.planner_model,
        quick=size == QUICK,
        seconds=seconds,
    )


def _tell_story(report: Report, tell: Tell) -> None:
    tell(f"\n{pair_text(report.shown)}\n")
    tell(f"{curve_text(report.compared)}\n")
    tell(points_text("What this shows", report.shows))
    tell(f"{points_text('What it does not show', report.limits)}\n")


def _write(report: Report, picture: Path, page: Path) -> None:
    draw_curve(report.compared, picture)
    write_report(report, picture, page)
