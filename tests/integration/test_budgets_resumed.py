"""Budgets of runs that stopped on the way: nothing is charged twice, and no time in which a run lay still."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

from langchain_core.tools import BaseTool

from graph.api import aask, aresume
from graph.builder import build_graph
from graph.context import Context
from graph.events import Event
from graph.results import Result
from nodes.run_clock import seconds_of
from tests.conftest import SettingsFactory
from tests.fakes.endless import ANSWER, SlowTools, endless_executor, endless_planner, side_by_side
from tests.fakes.scripted_model import ScriptedModel, Step, calls
from tests.fakes.services import ProviderFault, scripted_services
from tools.client import ToolBox

LAY_STILL = 1.5
DIVIDE = calls(("divide", {"a": 42, "b": 2}), prefix="d")


async def test_a_run_that_failed_and_goes_on_later_is_not_charged_for_the_time_between(
    settings: SettingsFactory,
) -> None:
    adding = Step(calls(("add", {"a": 1, "b": 1})), delay=0.3)
    executor = ScriptedModel([adding, ProviderFault("down"), Step("2", when="^tool: 2")])
    planner = ScriptedModel([side_by_side("Add."), ANSWER])
    context = Context(max_seconds=60, max_llm_calls=9)
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        await services.tools.tools()
        failed = await aask("1 + 1?", thread_id="t", services=services, context=context)
        await asyncio.sleep(LAY_STILL)
        resumed = await aresume("t", services=services)
        state = await build_graph(services).aget_state({"configurable": {"thread_id": "t"}})
    assert (failed.status, resumed.status, resumed.ended_by) == ("failed", "answered", None)
    active: Any = state.values["active"]
    assert max(later[0] - earlier[1] for earlier, later in pairwise(active)) >= LAY_STILL
    assert 0.3 < seconds_of(active) < failed.seconds + resumed.seconds
    assert resumed.usage.llm_calls == 4
    assert [call["seconds"] > 0.3 for call in state.values["model_calls"]] == [False, True, False, False]


async def test_calls_before_a_stop_count_once_towards_the_budget(settings: SettingsFactory) -> None:
    executor = endless_executor()
    executor._script.steps.insert(0, Step(ProviderFault("down"), when="(?s)^tool: .*^tool: "))
    executor._script.used.insert(0, 0)
    told: list[Event] = []
    async with scripted_services(settings(judge_model="none"), endless_planner(), executor) as services:
        context = Context(max_llm_calls=6)
        failed = await aask("What is the sum?", thread_id="t", services=services, context=context)
        resumed = await aresume("t", services=services, on_event=told.append)
    assert failed.status == "failed"
    assert (resumed.status, resumed.ended_by, resumed.usage.llm_calls) == ("answered", "llm_calls", 6)
    assert [event["budget"] for event in told if event["type"] == "budget_reached"] == ["llm_calls"]
    assert len(resumed.subtasks[0]["tool_calls"]) == 4


async def test_replies_that_were_of_no_use_are_counted(settings: SettingsFactory) -> None:
    planner = ScriptedModel(["Hm.", "Hm again.", ANSWER])
    async with scripted_services(settings(judge_model="none"), planner, ScriptedModel()) as services:
        failed = await aask("Capital?", thread_id="t", services=services)
        resumed = await aresume("t", services=services)
    assert (failed.status, resumed.status) == ("failed", "answered")
    assert resumed.usage.llm_calls == 3
    planner.assert_done()


async def test_what_a_finished_branch_of_the_round_used_up_is_known_after_a_stop(settings: SettingsFactory) -> None:
    """Its writes wait in the round's checkpoint until the other branch is done."""
    numbers = iter(range(100))
    executor = ScriptedModel(
        [
            Step("done", when="(?s)^Subtask: Add once.*^tool: .*^tool: "),
            Step(lambda _: calls(("add", {"a": next(numbers), "b": 1})), when="^Subtask: Add once", times=2),
            Step(ProviderFault("down"), when="(?s)^Subtask: Add for ever.*^tool: "),
            Step(lambda _: calls(("add", {"a": next(numbers), "b": 1})), when="^Subtask: Add for ever", delay=1.0),
            Step(lambda _: calls(("add", {"a": next(numbers), "b": 1})), when="^Subtask: Add for ever", times=None),
        ]
    )
    planner = endless_planner("Add once.", "Add for ever.")
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        context = Context(max_llm_calls=7)
        failed = await aask("What is the sum?", thread_id="t", services=services, context=context)
        resumed = await aresume("t", services=services)
    assert failed.status == "failed"
    assert (resumed.status, resumed.ended_by, resumed.usage.llm_calls) == ("answered", "llm_calls", 7)
    assert [len(each["tool_calls"]) for each in resumed.subtasks] == [2, 2]


async def test_a_branch_that_waits_keeps_its_work_and_cost_when_a_budget_ends_beside_it(
    settings: SettingsFactory,
) -> None:
    """The call that a person approved too late is not made, and the planner reads that."""
    executor = ScriptedModel(
        [
            Step(DIVIDE, when="(?s)^Subtask: Halve.*^tool: 42"),
            Step(calls(("multiply", {"a": 6, "b": 7}), prefix="m"), when="^Subtask: Halve"),
            *(Step(calls(("add", {"a": each, "b": 1}), prefix=f"a{each}"), delay=0.2) for each in range(9)),
        ]
    )
    planner = endless_planner("Add for ever.", "Halve the product.")
    told: list[Event] = []
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        context = Context(max_llm_calls=6, approval="divide")
        waits = await aask("What is half?", thread_id="t", services=services, context=context, on_event=told.append)
        (waiting,) = waits.interrupts
        approved = {waiting["id"]: {"decisions": [{"type": "approve"}]}}
        done = await aresume("t", services=services, answers=approved, on_event=told.append)
    assert [event["budget"] for event in told if event["type"] == "budget_reached"] == ["llm_calls"]
    _assert_nothing_is_lost(done, planner)
    halved = done.subtasks[1]["tool_calls"]
    assert [(call["name"], call["ok"]) for call in halved] == [("multiply", True), ("divide", False)]
    assert halved[1]["result"].startswith("not made: the run's budget of model calls is used up")
    assert "divide was not made" in planner.requests[-1].text


async def test_a_branch_that_was_cut_off_keeps_its_work_and_cost_when_a_budget_ended_beside_it(
    settings: SettingsFactory,
) -> None:
    """One branch finished with the budget, one has steps and one has none: that one stays to be carried out."""
    executor = ScriptedModel(
        [
            Step(calls(("add", {"a": 42, "b": 2}), prefix="s"), when="(?s)^Subtask: Halve.*^tool: 42"),
            Step(calls(("multiply", {"a": 6, "b": 7}), prefix="m"), when="^Subtask: Halve"),
            *(Step(calls(("divide", {"a": each, "b": 1}), prefix=f"d{each}"), delay=0.2) for each in range(9)),
        ]
    )
    planner = endless_planner("Divide for ever.", "Halve the product.", "Never begun.")
    cut, told = asyncio.Event(), list[Event]()

    def first_end(event: Event) -> None:
        if event["type"] == "subtask_finished":
            cut.set()

    async with scripted_services(settings(judge_model="none", parallelism=2), planner, executor) as services:
        hanging = replace(services, tools=SlowTools(cast(ToolBox, services.tools), 60))
        context = Context(max_llm_calls=6)
        run = asyncio.create_task(
            aask("What is half?", thread_id="t", services=hanging, context=context, on_event=first_end)
        )
        await asyncio.wait_for(cut.wait(), 20)
        await asyncio.sleep(0.3)
        run.cancel()
        with suppress(asyncio.CancelledError):
            await run
        done = await aresume("t", services=services, on_event=told.append)
    _assert_nothing_is_lost(done, planner)
    halved = done.subtasks[1]["tool_calls"]
    assert [(call["name"], call["ok"]) for call in halved] == [("multiply", True), ("add", False)]
    assert {event["id"] for event in told if event["type"] == "subtask_started"} == {2}
    assert "3: not carried out" in planner.requests[-1].text


async def test_what_a_branch_cost_is_known_where_the_tools_do_not_come_back_in_time(settings: SettingsFactory) -> None:
    executor = ScriptedModel(
        [
            Step(ProviderFault("down"), when="^tool: 42"),
            Step(calls(("multiply", {"a": 6, "b": 7})), when="^Subtask: Halve"),
        ]
    )

    class Gone:
        async def tools(self) -> list[BaseTool]:
            await asyncio.sleep(60)
            return []

        def failures(self) -> dict[str, str]:
            return {}

    planner = endless_planner("Halve the product.")
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        multiply = next(tool for tool in await services.tools.tools() if tool.name == "multiply")
        await multiply.ainvoke({"a": 1, "b": 1})  # starts its server
        context = Context(max_seconds=4)
        failed = await aask("What is half?", thread_id="t", services=services, context=context)
        done = await aresume("t", services=replace(services, tools=Gone()))
    assert failed.status == "failed"
    assert (done.status, done.ended_by, done.usage.llm_calls) == ("answered", "seconds", 3)


def _assert_nothing_is_lost(done: Result, planner: ScriptedModel) -> None:
    """Of a second subtask that called `multiply`, then another tool, and then could not go on."""
    assert (done.status, done.ended_by, done.usage.llm_calls) == ("answered", "llm_calls", 6)
    assert [(each["status"], each["result"]) for each in done.subtasks[1:]] == [("partial", "multiply: 42")]
    assert "multiply: 42" in planner.requests[-1].text
