"""The demo's runner: real services and case bank, runs that are made up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ConfigurationError, InvalidInputError, ModelUnavailableError, OperatorError
from configs.settings import Settings
from evaluation import demo, demo_homes
from evaluation.attempts import Attempt
from evaluation.demo import DemoSummary, failure_of, run_demo, run_tasks
from evaluation.demo_tasks import FAMILIES, demo_stream
from evaluation.starter_cases import starter_cases
from graph.context import Context
from graph.events import Event
from graph.local_weights import weights_path
from graph.results import Result, RunError
from graph.services import Services, closed_services
from memory.case import Case, Step, case_id
from memory.journal import replay
from memory.writer_lock import WriterLock
from tests.conftest import SettingsFactory
from tests.fakes.demo_attempts import SHOWN, demo_task, ended

ROUND = len(FAMILIES)


class MadeUpRuns:
    """Stands for `aask`: wrong without memory, right with it, and then a case is written."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.homes: list[Settings] = []

    async def __call__(
        self,
        question: str,
        *,
        expected: str,
        services: Services,
        context: Context,
        on_event: Callable[[Event], None],
    ) -> Result:
        policy = str(context.policy)
        self.asked.append((policy, question))
        self.homes.append(services.settings)
        if policy == "none":
            return ended("no idea")
        on_event({"type": "cases_retrieved", "policy": policy, "cases": [SHOWN]})
        plan = (Step(id=1, description="Do it."),)
        await services.memory.import_cases(
            [Case(id=case_id(question, plan, "run"), task=question, plan=plan, reward=1, answer=expected)]
        )
        return ended(expected)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> MadeUpRuns:
    made_up = MadeUpRuns()
    monkeypatch.setattr(demo, "aask", made_up)
    return made_up


def quick_demo(out: Path, settings: Settings) -> tuple[DemoSummary, list[str], list[tuple[str, int, int]]]:
    told: list[str] = []
    steps: list[tuple[str, int, int]] = []
    running = run_demo(out, settings, quick=True, tell=told.append, step=lambda *progress: steps.append(progress))
    return asyncio.run(running), told, steps


def test_a_quick_demo_from_end_to_end(runs: MadeUpRuns, settings: SettingsFactory, tmp_path: Path) -> None:
    summary, told, steps = quick_demo(tmp_path / "out", settings())
    questions = [task.question for task in demo_stream(2, demo.SEED)]
    assert runs.asked == [("none", each) for each in questions[ROUND:]] + [("cosine-success", q) for q in questions]
    assert steps[0] == ("without memory", 0, ROUND)
    assert steps[-1] == ("with memory", 2 * ROUND, 2 * ROUND)
    told_json = summary.as_json()
    assert told_json.pop("seconds") >= 0
    assert told_json == {
        "none": {"tasks": ROUND, "accuracy": 0.0},
        "memory": {"tasks": 2 * ROUND, "accuracy": 1.0, "last_third": 1.0},
        "report": str(tmp_path / "out" / "report.html"),
        "picture": str(tmp_path / "out" / "curve.png"),
    }
    assert summary.picture.stat().st_size > 1000
    assert questions[0] in summary.report.read_text(encoding="utf-8").replace("&#x27;", "'")
    text = "\n".join(told)
    for part in ("Without memory", "0.87  What is 12 times 34?", "tasks 1-", "What it does not show", "were added to"):
        assert part in text


def test_the_homes_are_fresh_and_share_no_server(runs: MadeUpRuns, settings: SettingsFactory, tmp_path: Path) -> None:
    left_over = tmp_path / "home-memory" / "journal.jsonl"
    left_over.parent.mkdir()
    left_over.write_text("damaged\n")
    (tmp_path / "mine.txt").write_text("kept")
    user = settings(top_k=3)
    quick_demo(tmp_path, user)
    assert (tmp_path / "mine.txt").read_text() == "kept"
    none, memory = runs.homes[0], runs.homes[-1]
    assert (none.home, memory.home) == (tmp_path / "home-none", tmp_path / "home-memory")
    assert none.model_copy(update={"home": user.home}) == user == memory.model_copy(update={"home": user.home})
    assert len(replay(memory.home).entries) == len(starter_cases()) + 2 * ROUND
    served = user.model_copy(update={"chroma_url": "http://localhost:1", "database_url": "postgres://localhost:1/a"})
    homes = demo_homes.prepare_homes(tmp_path, served)
    assert (homes.memory.chroma_url, homes.memory.database_url) == (None, None)


def test_the_users_bank_gets_each_task_once(
    runs: MadeUpRuns, settings: SettingsFactory, home: Path, tmp_path: Path
) -> None:
    first = quick_demo(tmp_path, settings())[1][-1]
    kept = dict(replay(home).entries)
    assert f"{len(kept)} cases were added" in first and f"$(cat {tmp_path / 'kept-cases.txt'})" in first
    assert (tmp_path / "kept-cases.txt").read_text().split() == list(kept)
    assert len(kept) == len(starter_cases()) + 2 * ROUND
    second = quick_demo(tmp_path, settings())[1][-1]
    assert "nothing was added" in second
    assert dict(replay(home).entries) == kept


def test_a_locked_home_is_told_and_not_an_error(
    runs: MadeUpRuns, settings: SettingsFactory, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("memory.writer_lock.WAIT_SECONDS", 0.05)
    lock = WriterLock(home)
    lock.acquire()
    try:
        told = quick_demo(tmp_path, settings())[1][-1]
    finally:
        lock.release()
    assert told.startswith("The demo's cases were not added to your case bank: the case bank in")


def test_the_embedded_model_is_fetched_once_and_linked(
    settings: SettingsFactory, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = home / "models" / "weights.gguf"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    monkeypatch.setattr(demo_homes, "ensure_weights", lambda _home: weights)
    homes = demo_homes.prepare_homes(tmp_path, settings(config="local"))
    for each in (homes.none, homes.memory):
        assert weights_path(each.home).read_bytes() == b"weights"


def test_folders_that_must_not_be_emptied(settings: SettingsFactory, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInputError, match=r"--out .*cannot be used"):
        demo_homes.prepare_homes(tmp_path / "file", settings())
    own = settings(home=tmp_path / "home-memory")
    with pytest.raises(InvalidInputError, match="that is your home"):
        demo_homes.prepare_homes(tmp_path, own)
    (tmp_path / "home-none").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInputError, match="cannot be used"):
        demo_homes.prepare_homes(tmp_path, settings())


DOWN = RunError("ModelUnavailableError", "the model is down")
UNREADABLE = RunError("PlanFormatError", "no plan")


async def run_with(monkeypatch: pytest.MonkeyPatch, settings: Settings, errors: list[RunError | None]) -> list[Attempt]:
    """Tasks that end with these errors, one after the other."""
    left = iter(errors)

    async def made_up(_question: str, **_options: Any) -> Result:
        return ended("1", error=next(left))

    monkeypatch.setattr(demo, "aask", made_up)
    tasks = [demo_task(number) for number in range(len(errors))]
    return await run_tasks(closed_services(settings), tasks, Context(), lambda _done: None)


async def test_a_demo_in_which_nothing_works_stops_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, settings: SettingsFactory
) -> None:
    with pytest.raises(ModelUnavailableError, match="the model is down"):
        await run_with(monkeypatch, settings(), [DOWN, DOWN, DOWN, None])


@pytest.mark.parametrize("errors", [[DOWN, DOWN, None, DOWN, DOWN, DOWN], [UNREADABLE] * 4, [DOWN, UNREADABLE, DOWN]])
async def test_other_failures_are_wrong_answers(
    monkeypatch: pytest.MonkeyPatch, settings: SettingsFactory, errors: list[RunError | None]
) -> None:
    attempts = await run_with(monkeypatch, settings(), errors)
    assert [each.right for each in attempts] == [False] * len(errors)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DOWN, OperatorError),
        (RunError("ConfigurationError", "no key"), ConfigurationError),
        (UNREADABLE, type(None)),
        (RunError("ValueError", "x"), type(None)),
        (RunError("annotations", "x"), type(None)),
        (None, type(None)),
    ],
)
def test_only_what_someone_can_fix_becomes_an_error_again(error: RunError | None, kind: type) -> None:
    assert isinstance(failure_of(error), kind)
