"""Each budget in turn: the run ends in order, answers, names the budget, keeps its case, and stays within the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest

from configs.errors import ConfigurationError
from configs.settings import load_settings
from graph.api import aask
from graph.context import Context
from graph.events import Event
from graph.results import Result
from graph.services import Services
from memory.journal import replay
from tests.conftest import SettingsFactory
from tests.fakes.endless import ANSWER, SlowTools, endless_executor, endless_planner, side_by_side
from tests.fakes.scripted_model import ScriptedModel, Step, calls
from tests.fakes.services import scripted_services
from tools.client import ToolBox
from tools.mcp_config import load_servers

ALLOWED = 1.05
"""The issue's line: at most 5% over a limit."""


class Told(list[Event]):
    """The events of a run."""

    def budgets(self) -> list[str]:
        return [event["budget"] for event in self if event["type"] == "budget_reached"]


class Warm(Protocol):
    """`async with warm(planner, executor, max_steps=3) as services`."""

    def __call__(
        self, planner: ScriptedModel, executor: ScriptedModel, judge: ScriptedModel | None = None, **overrides: object
    ) -> AbstractAsyncContextManager[Services]: ...


@pytest.fixture(scope="module")
def tool_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolBox]:
    """The real tool servers, started once: they belong to no event loop."""
    settings = load_settings(None, [f"home={tmp_path_factory.mktemp('tools')}"])
    box = ToolBox(load_servers(settings), settings)
    asyncio.run(_started(box))
    yield box
    asyncio.run(box.aclose())


async def _started(box: ToolBox) -> None:
    await box.tools()


@pytest.fixture
def warm(settings: SettingsFactory, tool_box: ToolBox) -> Warm:
    """Services that have been started already, so that a budget of time measures the run alone."""

    @asynccontextmanager
    async def make(
        planner: ScriptedModel, executor: ScriptedModel, judge: ScriptedModel | None = None, **overrides: object
    ) -> AsyncIterator[Services]:
        given: dict[str, Any] = {**({} if judge else {"judge_model": "none"}), "max_steps": 50, **overrides}
        made = settings(**given)
        async with scripted_services(made, planner, executor, judge) as services:
            await services.memory.similarities("warm", ["up"])
            yield replace(services, tools=tool_box)

    return make


async def ended(
    services: Services, told: Told | None = None, expected: str | None = None, **budget: Any
) -> tuple[Result, Told]:
    """Run the question under a budget, and check what holds for every budget."""
    told = told if told is not None else Told()
    (name,) = budget
    limited = Context(**budget)
    result = await aask("What is the sum?", services=services, context=limited, on_event=told.append, expected=expected)
    named = {"max_cost_usd": "cost"}.get(name, name.removeprefix("max_"))
    assert (result.status, result.ended_by, told.budgets()) == ("answered", named, [named])
    assert result.answer
    kept = await asyncio.to_thread(lambda: list(replay(services.settings.home).entries))
    assert result.case_id in kept
    return result, told


async def test_model_calls(warm: Warm) -> None:
    planner = endless_planner()
    async with warm(planner, endless_executor()) as services:
        result, _ = await ended(services, max_llm_calls=5, expected="as far as it is known")
    assert result.usage.llm_calls == 5
    assert (result.answer, result.reward, result.reward_source) == ("as far as it is known", 1, "ground_truth")
    assert "The budget of 5 model calls is used up." in planner.requests[-1].text
    (subtask,) = result.subtasks
    assert (subtask["status"], subtask.get("budget"), len(subtask["tool_calls"])) == ("partial", "llm_calls", 3)
    assert "add: 1" in subtask["result"]


@pytest.mark.parametrize("side", [1, 4])
@pytest.mark.parametrize("limit", [3000, 6000, 20_000])
async def test_tokens(warm: Warm, side: int, limit: int) -> None:
    planner = endless_planner(*(f"Add for ever, {number}." for number in range(side)))
    async with warm(planner, endless_executor(delay=0.01)) as services:
        result, _ = await ended(services, max_tokens=limit)
    used = result.usage.input_tokens + result.usage.output_tokens
    assert limit * 0.5 < used <= limit * ALLOWED
    assert result.answer == "as far as it is known"


async def test_a_reply_that_the_budget_of_tokens_cuts_ends_the_run(warm: Warm) -> None:
    executor = ScriptedModel([Step("word " * 20_000)])
    planner = endless_planner()
    async with warm(planner, executor) as services:
        result, _ = await ended(services, max_tokens=6000)
    used = result.usage.input_tokens + result.usage.output_tokens
    assert 5000 < used <= 6000 * ALLOWED
    (subtask,) = result.subtasks
    assert (subtask["status"], subtask.get("budget")) == ("partial", "tokens")
    assert subtask["result"].startswith("word word")


async def test_cost(warm: Warm, home: Any) -> None:
    await asyncio.to_thread(home.mkdir, parents=True)
    await asyncio.to_thread((home / "prices.yaml").write_text, "scripted: {input: 2, output: 8}\n")
    planner = endless_planner("Add.", "Add more.", "Add most.")
    async with warm(planner, endless_executor(delay=0.01)) as services:
        result, _ = await ended(services, max_cost_usd=0.02)
    assert result.usage.cost_usd is not None
    assert 0.01 < result.usage.cost_usd <= 0.02 * ALLOWED
    parts = [each.cost_usd or 0 for each in result.usage.by_role.values()]
    assert sum(parts) == pytest.approx(result.usage.cost_usd)
    subtasks = result.usage.by_subtask.values()
    assert sum(each.llm_calls for each in subtasks) == result.usage.by_role["executor"].llm_calls


async def test_the_judge_is_not_asked_where_it_does_not_fit(warm: Warm) -> None:
    async with warm(endless_planner(), endless_executor(), judge=ScriptedModel()) as services:
        result, told = await ended(services, max_llm_calls=4)
    assert (result.usage.llm_calls, result.reward) == (4, None)
    assert [event["message"] for event in told if event["type"] == "warned"] == [
        "the judge was not asked: the budget of model calls is used up"
    ]


@pytest.mark.parametrize("where", ["executor", "tool", "steady"])
async def test_seconds(warm: Warm, tool_box: ToolBox, where: str) -> None:
    limit = 3.0
    executor = {
        "executor": ScriptedModel([Step("never", delay=60)]),
        "tool": endless_executor(),
        "steady": endless_executor(delay=0.05),
    }[where]
    async with warm(endless_planner(), executor) as services:
        tools = SlowTools(tool_box, 60.0 if where == "tool" else 0.0)
        result, _ = await ended(replace(services, tools=tools), max_seconds=limit)
    assert limit * 0.5 < result.seconds <= limit * ALLOWED
    assert result.answer == "as far as it is known"
    assert result.subtasks[0].get("budget") == "seconds"
    assert tools.cancelled == (where == "tool")


async def test_seconds_where_the_planner_hangs(warm: Warm) -> None:
    planner = ScriptedModel([Step("never", delay=60, times=None)])
    async with warm(planner, ScriptedModel()) as services:
        result, _ = await ended(services, max_seconds=3.0)
    assert result.seconds <= 3.0 * ALLOWED
    assert result.answer == ("There is no complete answer. The budget of 3 seconds is used up. Nothing was found out.")
    assert result.usage.cost_usd is None


@pytest.mark.parametrize("side", [1, 3])
async def test_tool_seconds(warm: Warm, tool_box: ToolBox, side: int) -> None:
    executor = ScriptedModel(
        [
            Step("so far 1", when="not finished: the run's budget of seconds of tool time", times=None),
            Step(calls(("add", {"a": 1, "b": 1})), times=None),
        ]
    )
    planner = endless_planner(*(f"Add, {number}." for number in range(side)))
    async with warm(planner, executor) as services:
        tools = SlowTools(tool_box, 60.0)
        result, _ = await ended(replace(services, tools=tools), max_tool_seconds=1.0)
    records = [call for subtask in result.subtasks for call in subtask["tool_calls"]]
    assert 0.95 <= sum(call["seconds"] for call in records) <= 1.0 * ALLOWED
    assert [subtask["status"] for subtask in result.subtasks] == ["partial"] * side
    assert [subtask["result"] for subtask in result.subtasks] == ["so far 1"] * side
    assert tools.cancelled == side


async def test_cycles(warm: Warm) -> None:
    executor = ScriptedModel([Step("FAILED: no", times=None)])
    async with warm(endless_planner(), executor) as services:
        result, _ = await ended(services, max_cycles=2)
    assert (result.cycles, len(result.subtasks)) == (2, 2)


async def test_a_planner_that_could_answer_was_not_ended(warm: Warm) -> None:
    executor = ScriptedModel(["2"])
    async with warm(endless_planner(), executor) as services:
        result = await aask("What is the sum?", services=services, context=Context(max_cycles=1))
    assert (result.status, result.ended_by) == ("answered", None)


async def test_subtasks_that_wait_at_the_gate_stay_pending(warm: Warm) -> None:
    planner = endless_planner("Add.", "Add more.", "Add most.")
    async with warm(planner, endless_executor(), parallelism=1) as services:
        result, told = await ended(services, max_llm_calls=6)
    assert [subtask["id"] for subtask in result.subtasks] == [1]
    assert len(result.plan) == 3
    assert [event["id"] for event in told if event["type"] == "subtask_started"] == [1]


async def test_where_no_last_call_fits_the_answer_is_put_together_without_a_model(warm: Warm) -> None:
    planner = ScriptedModel([Step(side_by_side("Add."), times=None)])
    async with warm(planner, endless_executor()) as services:
        result, _ = await ended(services, max_llm_calls=4)
    assert result.usage.llm_calls == 4
    assert result.answer is not None
    assert result.answer.startswith("There is no complete answer. The budget of 4 model calls is used up.")
    assert "- Add. (partial) add: 1" in result.answer


async def test_without_budgets_nothing_is_bound(warm: Warm) -> None:
    planner, executor = ScriptedModel([side_by_side("Add."), ANSWER]), ScriptedModel(["2"])
    async with warm(planner, executor) as services:
        result = await aask("What is the sum?", services=services)
    assert (result.ended_by, result.usage.cost_usd) == (None, None)
    assert [request.options for request in [*planner.requests, *executor.requests]] == [{}, {}, {}]


async def test_a_budget_of_dollars_needs_known_prices(settings: SettingsFactory, home: Any) -> None:
    planner = ScriptedModel()
    async with scripted_services(settings(executor_model="openai:mine"), planner, ScriptedModel()) as services:
        with pytest.raises(ConfigurationError, match=r"openai:mine is not known.*prices\.yaml"):
            await aask("What is the sum?", services=services, context=Context(max_cost_usd=1))
    assert planner.requests == []
