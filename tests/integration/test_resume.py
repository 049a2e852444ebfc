"""Going on with a run: with the knobs it was started with, by one process at a time, also over PostgreSQL."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from configs.errors import CheckpointError, RunInUseError
from configs.settings import Settings
from graph.api import aask, aresume
from graph.context import Context
from graph.runs import list_runs, show_run, thread_ids
from graph.services import Services, open_services
from memory.journal import replay
from tests.conftest import SettingsFactory
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.quick_bank import QuickEmbedder
from tests.fakes.twelve_steps import ANSWER, QUESTION, THREAD, noted, prepare, rules, settings_of

ALL_CALLS = ["look seat 7", "book seat 7", "look weather"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres").database() if request.param == "postgres" else None


@pytest.fixture
async def services(home: Path, database: str | None) -> AsyncIterator[Services]:
    """Open services over the twelve steps' model server."""
    await asyncio.to_thread(prepare, home)
    with OpenAIServer(rules()) as server:
        settings = await asyncio.to_thread(settings_of, home, server.url, database)
        async with open_services(settings) as opened:
            yield opened


async def test_a_second_run_of_a_thread_is_told_and_harms_nothing(
    services: Services, home: Path, database: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = "graph.sqlite_checkpoints" if database is None else "graph.postgres_locks"
    monkeypatch.setattr(f"{locks}.IN_USE_SECONDS", 0.05)  # the first run takes longer than this
    begun = asyncio.Event()
    first = asyncio.create_task(
        aask(QUESTION, expected=ANSWER, thread_id=THREAD, services=services, on_event=lambda _: begun.set())
    )
    await begun.wait()
    told = await asyncio.gather(
        aask("Something else?", thread_id=THREAD, services=services),
        aresume(THREAD, services=services),
        return_exceptions=True,
    )
    result = await first
    assert result.answer == ANSWER
    assert [type(each) for each in told] == [RunInUseError, RunInUseError]
    assert list(await asyncio.to_thread(lambda: list(replay(home).entries))) == [result.case_id]


async def test_runs_are_listed_and_shown(services: Services, database: str | None) -> None:
    settings = services.settings
    assert await list_runs(settings) == []
    for name in ("one", "two"):
        await aask(QUESTION, expected=ANSWER, thread_id=name, services=services)
    assert [run.result.thread_id for run in await list_runs(settings)] == ["two", "one"]
    assert await thread_ids(settings, 1) == ["two"]
    shown = await show_run(settings, "one")
    assert (shown.result.status, shown.result.answer, shown.result.question) == ("answered", ANSWER, QUESTION)


def answers(model: str, answer: str) -> JsonObject:
    return {"model": model, "reply": {"content": json.dumps({"final_answer": answer})}}


async def ended_badly(settings: Settings) -> None:
    result = await aask("Who answers?", thread_id="t", settings=settings)
    assert result.status == "failed" and result.error is not None


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (None, "the first"),
        (Context(top_k=1), "the first"),
        (Context(planner_model="openai:second"), "the second"),
    ],
)
async def test_a_run_goes_on_with_the_knobs_it_was_started_with(
    given: Context | None, answer: str, settings: SettingsFactory
) -> None:
    with OpenAIServer([{"reply": {"fault": "unauthorized"}}]) as broken:
        common = {"openai_api_key": "sk-test", "judge_model": "none"}
        await ended_badly(settings(openai_base_url=broken.url, planner_model="openai:first", **common))
    with OpenAIServer([answers("first", "the first"), answers("second", "the second")]) as server:
        now = settings(openai_base_url=server.url, planner_model="openai:second", **common)
        assert (await aresume("t", settings=now, context=given)).answer == answer


def losing(put: Callable[..., Awaitable[Any]], keeps: int) -> Callable[..., Awaitable[Any]]:
    """A checkpointer's `aput` that keeps so many checkpoints and loses the next, after the results that led to it."""
    calls = itertools.count()

    async def aput(saver: Any, *arguments: Any) -> Any:
        if next(calls) >= keeps:
            raise CheckpointError("lost")
        return await put(saver, *arguments)

    return aput


async def test_a_run_that_loses_any_of_its_checkpoints_goes_on_and_repeats_no_call(
    services: Services, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tasks of a step gave is kept by then: the latest checkpoint names no next node, and is not the last."""
    saver: Any = type(services.checkpointer)  # LangGraph works with a copy of the object
    lost = 0
    for keeps in range(1, 20):
        options: dict[str, Any] = {"services": services, "context": Context(policy="none")}
        with monkeypatch.context() as patch:
            patch.setattr(saver, "aput", losing(saver.aput, keeps))
            ended = await aask(QUESTION, expected=ANSWER, thread_id=f"t{keeps}", **options)
        lost += ended.error is not None
        if ended.error is None:
            break
        assert ended.error.type == "CheckpointError" and ended.status == "failed"
        assert (await aresume(f"t{keeps}", **options)).answer == ANSWER
    calls = (await asyncio.to_thread(noted(home).read_text)).splitlines()
    assert lost > 6
    assert sorted(line.split(" ", 1)[1] for line in calls) == sorted(ALL_CALLS * (lost + 1))
