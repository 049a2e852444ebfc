"""The dependency graph in the real graph with scripted models: what runs side by side, in which order it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from configs.errors import InvalidInputError
from graph.api import aask, aresume
from graph.builder import build_graph
from graph.context import Context
from tests.conftest import SettingsFactory
from tests.fakes.scripted_model import ScriptedModel, Step, plan
from tests.fakes.services import ProviderFault, scripted_services

ANSWER = '{"final_answer": "done"}'
QUESTION = "What is to be done?"
THREAD: Any = {"configurable": {"thread_id": "t"}}


def graph_plan(**needs: list[int] | None) -> str:
    """`graph_plan(one=[], two=[1])`: subtasks numbered from 1, each with what it depends on, or nothing said of it."""
    tasks = [
        {"id": number, "description": f"Do {name}.", **({} if wanted is None else {"depends_on": wanted})}
        for number, (name, wanted) in enumerate(needs.items(), 1)
    ]
    return json.dumps({"plan": tasks})


def worker(**delays: float) -> ScriptedModel:
    """An executor that takes so long for each subtask, and gives its name."""
    return ScriptedModel([Step(name, when=f"Subtask: Do {name}", delay=delay) for name, delay in delays.items()])


async def test_three_run_side_by_side_and_stand_in_the_order_of_the_plan(settings: SettingsFactory) -> None:
    planner = ScriptedModel([graph_plan(one=[], two=[], three=[]), ANSWER])
    executor = worker(one=0.5, two=0.3, three=0.1)
    events: list[Any] = []
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        result = await aask(QUESTION, services=services, on_event=events.append)
    told = [(event["type"], event["id"]) for event in events if event["type"].startswith("subtask_")]
    assert told == [
        ("subtask_started", 1), ("subtask_started", 2), ("subtask_started", 3),
        ("subtask_finished", 3), ("subtask_finished", 2), ("subtask_finished", 1),
    ]  # fmt: skip
    assert [each["result"] for each in result.subtasks] == ["one", "two", "three"]
    assert "Result 1: one\nResult 2: two\nResult 3: three\nReply:" in planner.requests[1].text
    assert result.usage.llm_calls == 5, "a plain round asks no other model"


async def test_a_diamond_hands_its_results_down_and_is_kept_in_order(settings: SettingsFactory) -> None:
    """`late` depends on nothing and runs in the first wave; its place is the last all the same."""
    planner = ScriptedModel([graph_plan(top=[], left=[1], right=[1], bottom=[2, 3], late=[]), ANSWER])
    executor = worker(top=0.1, left=0.2, right=0, bottom=0, late=0)
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        result = await aask(QUESTION, services=services)
        states = [each.values.get("subtasks", []) async for each in build_graph(services).aget_state_history(THREAD)]
    executor.assert_done()
    assert [each["id"] for each in result.subtasks] == [1, 2, 3, 4, 5]
    assert all([one["id"] for one in each] == sorted(one["id"] for one in each) for each in states)
    (bottom,) = executor.requests_with("Subtask: Do bottom")
    assert "Result 1: top\nResult 2: left\nResult 3: right\nSubtask: Do bottom." in bottom.text
    (late,) = executor.requests_with("Subtask: Do late")
    assert "Result " not in late.text


async def test_a_plan_without_dependencies_runs_in_order(settings: SettingsFactory) -> None:
    planner = ScriptedModel([graph_plan(one=None, two=None, three=None), ANSWER])
    executor = worker(one=0.1, two=0.05, three=0)
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        result = await aask(QUESTION, services=services)
    assert [each["result"] for each in result.subtasks] == ["one", "two", "three"]
    assert [request.text.count("Result ") for request in executor.requests] == [0, 1, 2]


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (graph_plan(one=[2], two=[1]), r"dependencies run in a circle: \[1, 2\]"),
        (graph_plan(one=[], two=[7]), "task 2 depends on 7, which is no task of the plan"),
        (graph_plan(one=[], two=[]).replace('"id": 2', '"id": 1'), r"ids are not unique: \[1, 1\]"),
        (graph_plan(one=[], two=[]).replace('"id": 2', '"id": "b"'), "plan.1.id: Input should be a valid integer"),
    ],
)
async def test_an_impossible_plan_gets_one_repair_round_that_names_the_fault(
    settings: SettingsFactory, bad: str, fault: str
) -> None:
    planner = ScriptedModel([bad, Step(graph_plan(one=[]), when=fault), ANSWER, bad, Step(bad, when=fault)])
    executor = worker(one=0)
    async with scripted_services(settings(judge_model="none", top_k=0), planner, executor) as services:
        repaired = await aask(QUESTION, services=services)
        failed = await aask(QUESTION, services=services)
    planner.assert_done()
    assert repaired.status == "answered"
    assert failed.error is not None
    assert (failed.status, failed.error.type) == ("failed", "PlanFormatError")


async def test_the_order_holds_across_a_failure_and_a_new_plan(settings: SettingsFactory) -> None:
    """Two of three subtasks finish, the model goes down in the third; the run is resumed, and planned anew."""
    planner = ScriptedModel(
        [graph_plan(one=[], two=[], three=[]), json.dumps({"plan": [{"id": 9, "description": "Do four."}]}), ANSWER]
    )
    executor = ScriptedModel(
        [
            Step(ProviderFault("down"), when="Subtask: Do one", delay=0.3),
            Step("two", when="Subtask: Do two"),
            Step("three", when="Subtask: Do three", delay=0.1),
            Step("FAILED: no", when="Subtask: Do one"),
            Step("four", when="Subtask: Do four"),
        ]
    )
    async with scripted_services(settings(judge_model="none", top_k=0), planner, executor) as services:
        failed = await aask(QUESTION, thread_id="t", services=services)
        resumed = await aresume("t", services=services)
    executor.assert_done()
    assert failed.status == "failed"
    assert resumed.status == "answered"
    assert [(each["id"], each["result"]) for each in resumed.subtasks] == [
        (1, "no"),
        (2, "two"),
        (3, "three"),
        (4, "four"),
    ]


@pytest.mark.parametrize(
    ("edited", "fault"),
    [
        (
            [{"id": 1, "description": "a", "depends_on": [2]}, {"id": 2, "description": "b", "depends_on": [1]}],
            "circle",
        ),
        ([{"id": 1, "description": "a", "depends_on": [7]}], "depends on 7"),
        ([{"id": 1, "description": "a", "depends_on": []}] * 2, "stands in it 2 times"),
        ([{"id": "1", "description": "a", "depends_on": []}], "no whole number"),
    ],
)
async def test_an_edited_plan_that_is_impossible_is_refused_and_one_that_is_not_runs(
    settings: SettingsFactory, edited: list[dict[str, Any]], fault: str
) -> None:
    planner = ScriptedModel([plan("Do one."), ANSWER])
    executor = worker(new=0)
    async with scripted_services(settings(judge_model="none", top_k=0), planner, executor) as services:
        graph = build_graph(services)
        given: Any = {"messages": [{"role": "user", "content": QUESTION}]}
        await graph.ainvoke(given, THREAD, context=Context(), interrupt_after=["plan"])
        for node in ("plan", "reflect"):
            await graph.aupdate_state(THREAD, {"plan": edited}, as_node=node)
            with pytest.raises(InvalidInputError, match=fault):
                await graph.ainvoke(None, THREAD, context=Context())
        good = [{"id": 1, "description": "Do new.", "depends_on": []}]
        await graph.aupdate_state(THREAD, {"plan": good}, as_node="plan")
        output = await graph.ainvoke(None, THREAD, context=Context())
    executor.assert_done()
    assert output["answer"] == "done"
    assert [each["description"] for each in output["subtasks"]] == ["Do new."]
