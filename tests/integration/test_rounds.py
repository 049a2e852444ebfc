"""What a round gave, what is made of it, and when a run that goes in a circle ends: real graph, scripted models."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from graph.api import aask, aresume
from graph.builder import build_graph
from graph.context import Context
from memory.case import Case, case_id
from memory.case import Step as CaseStep
from memory.journal import replay
from tests.conftest import SettingsFactory
from tests.fakes.scripted_model import Reply, Request, ScriptedModel, Step, calls, plan
from tests.fakes.services import ProviderFault, scripted_services

ANSWER = '{"final_answer": "3.5"}'
QUESTION = "What is half of 7?"
REFLECTION = {
    "tasks": [{"id": 1, "status": "failed", "reason": "nothing can be divided by 0"}],
    "contradictions": [],
    "missing": ["half of 7"],
    "lesson": "Divide by 2, never by 0.",
}


def dividing() -> ScriptedModel:
    """Fails to divide by 0, divides by 2."""
    return ScriptedModel(
        [
            Step("FAILED: division by zero", when="(?s)Subtask: Divide 7 by 0.*^tool: "),
            Step(calls(("divide", {"a": 7, "b": 0})), when="Subtask: Divide 7 by 0"),
            Step("3.5", when="^tool: 3.5"),
            Step(calls(("divide", {"a": 7, "b": 2})), when="Subtask: Divide 7 by 2"),
        ]
    )


def earlier_case(task: str, step: str, run: str = "") -> Case:
    steps = (CaseStep(id=1, description=step, status="done", result="1"),)
    return Case(id=case_id(task, steps, run), task=task, plan=steps, reward=1, answer="1", run_id=run)


async def test_a_failure_is_reflected_on_looked_up_and_leaves_a_lesson(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Divide 7 by 0."), Step(plan("Divide 7 by 2."), when="Lesson: Divide by 2"), ANSWER])
    judge = ScriptedModel([json.dumps(REFLECTION), '{"verdict": "incorrect", "reason": "the secret reason"}'])
    known = [
        earlier_case("What is half of 7, or of 9?", "Divide 9 by 2."),
        earlier_case("Divide 7 by 0. division by zero", "Say that it cannot be."),
        earlier_case("How to divide by zero", "Explain."),
        earlier_case("Division by zero in school", "Explain."),
    ]
    events: list[Any] = []
    configured = settings(policy="cosine-success", top_k=1)
    async with scripted_services(configured, planner, dividing(), judge) as services:
        await services.memory.import_cases(known, vouched=True)
        result = await aask(QUESTION, expected="the-reference", services=services, on_event=events.append)
        entry = await asyncio.to_thread(lambda: replay(services.settings.home).entries[str(result.case_id)])
    judge.assert_done()
    assert (result.answer, result.reward, result.cycles) == ("3.5", 0, 3)
    assert entry.case.lesson == (
        "Divide by 2, never by 0. Failed: Divide 7 by 0 (division by zero). Worked instead: Divide 7 by 2"
    )
    assert entry.episode is not None
    assert [each.case_id for each in entry.episode.slate] == [known[0].id], (
        "the choice for the task alone is learned from"
    )
    assert entry.case.parents == tuple(result.cases_used) != (known[0].id,)
    assert set(result.cases_used) < {each.id for each in known}
    assert len(result.cases_used) == 2, "top_k bounds what is added too"
    first, second, third = (request.text for request in planner.requests)
    assert "what failed" not in first
    assert "Earlier cases for what failed (Divide 7 by 0.):\n<case>\nTask: Divide 7 by 0." in second
    assert "Task 1 failed: nothing can be divided by 0\n" in second
    assert "Missing: half of 7\n" in second
    assert "<report>" not in third, "the second round went plainly"
    assert "the-reference" not in judge.requests[0].text
    assert "Evidence: " not in judge.requests[0].text
    assert [each["type"] for each in events].count("cases_retrieved") == 2
    reports = [each["report"] for each in events if each["type"] == "reflected"]
    assert [bool(each) for each in reports] == [True, False]
    assert [each["by"] for each in events if each["type"] == "reflected"] == ["model", "rules"]


@pytest.mark.parametrize(
    ("reply", "warned"),
    [
        ('{"verdict": "correct", "reason": "it adds up"}', []),
        ("Hm.", []),
        (ProviderFault("down"), ["no model reflected on the round: the model is down: down"]),
    ],
)
async def test_the_rules_report_stands_where_no_model_helps(
    settings: SettingsFactory, reply: Reply, warned: list[str]
) -> None:
    planner = ScriptedModel([plan("Divide 7 by 0."), plan("Divide 7 by 2."), ANSWER])
    judge = ScriptedModel([reply, '{"verdict": "correct", "reason": ""}'])
    events: list[Any] = []
    async with scripted_services(settings(), planner, dividing(), judge) as services:
        result = await aask(QUESTION, services=services, on_event=events.append)
    judge.assert_done()
    assert (result.status, result.answer, result.reward) == ("answered", "3.5", 1)
    assert [each["message"] for each in events if each["type"] == "warned"] == warned
    assert {each["by"] for each in events if each["type"] == "reflected"} == {"rules"}
    assert "Task 1 failed: division by zero\nMissing: task 1 (Divide 7 by 0)\n</report>" in planner.requests[1].text


async def test_without_a_judge_no_model_reflects_and_without_cases_none_are_looked_for(
    settings: SettingsFactory,
) -> None:
    planner = ScriptedModel([plan("Divide 7 by 0."), plan("Divide 7 by 2."), ANSWER])
    events: list[Any] = []
    async with scripted_services(settings(judge_model="none", policy="none"), planner, dividing()) as services:
        result = await aask(QUESTION, services=services, on_event=events.append)
    assert (result.status, result.usage.llm_calls) == ("answered", 7)
    assert [each["type"] for each in events].count("cases_retrieved") == 1
    assert "Task 1 failed: division by zero" in planner.requests[1].text


async def test_results_that_contradict_each_other_are_judged(settings: SettingsFactory) -> None:
    two = [
        {"id": 1, "description": "Find the number of cantons.", "depends_on": []},
        {"id": 2, "description": "Look up the number of cantons.", "depends_on": []},
    ]
    planner = ScriptedModel(
        [json.dumps({"plan": two}), Step(ANSWER, when='Contradiction: task 1 gave "26" but task 2')]
    )
    executor = ScriptedModel([Step("26", when="Subtask: Find"), Step("23", when="Subtask: Look")])
    judge = ScriptedModel([Step("?", when="They may contradict each other"), Step('{"verdict": "unknown"}')])
    async with scripted_services(settings(), planner, executor, judge) as services:
        result = await aask("How many cantons are there?", services=services)
    judge.assert_done()
    assert result.status == "answered"


async def test_partial_results_reach_the_planner_with_what_is_missing(settings: SettingsFactory) -> None:
    """In both dialects; what depends on half a result waits for the planner."""
    for native, said in ((True, "PARTIAL: 12; missing: 2003"), (False, '{"result": "PARTIAL: 12; missing: 2003"}')):
        planner = ScriptedModel(
            [plan("List them.", "Count them."), Step(ANSWER, when=r"^Partial 1: 12 \(missing: 2003\)\nResult 2: not")]
        )
        executor = ScriptedModel([Step(said)])
        configured = settings(judge_model="none", top_k=0)
        async with scripted_services(configured, planner, executor, native_tools=native) as services:
            result = await aask(QUESTION, services=services)
        planner.assert_done()
        assert [(each["status"], each.get("reason")) for each in result.subtasks] == [("partial", "missing: 2003")]


async def test_the_step_limit_leaves_what_the_tools_found(settings: SettingsFactory) -> None:
    executor = ScriptedModel([calls(("add", {"a": each, "b": 1})) for each in (1, 2)])
    planner = ScriptedModel([plan("Add."), Step(ANSWER, when="Partial 1: add ")])
    async with scripted_services(settings(judge_model="none", max_steps=2), planner, executor) as services:
        result = await aask(QUESTION, services=services)
    (subtask,) = result.subtasks
    assert (subtask["status"], subtask.get("reason")) == ("partial", "no result after 2 model replies")
    assert subtask["result"] == 'add {"a": 1, "b": 1} -> 2\nadd {"a": 2, "b": 1} -> 3'
    assert subtask.get("evidence") == subtask["result"].split("\n")


async def test_the_same_plan_over_and_over_ends_the_run(settings: SettingsFactory) -> None:
    def planned(request: Request) -> str:
        return ANSWER if "No further tasks" in request.text else plan("Find it.")

    planner, executor = ScriptedModel([Step(planned, times=None)]), ScriptedModel([Step("FAILED: no", times=None)])
    async with scripted_services(settings(judge_model="none", max_cycles=50), planner, executor) as services:
        result = await aask(QUESTION, thread_id="t", services=services)
        state = (await build_graph(services).aget_state({"configurable": {"thread_id": "t"}})).values
        entry = await asyncio.to_thread(lambda: replay(services.settings.home).entries[str(result.case_id)])
    assert (result.status, result.answer, len(result.subtasks)) == ("answered", "3.5", 3)
    assert len(planner.requests) == 4
    assert state["ending"] == {
        "cause": "loop", "budget": None, "detail": "the same plan again, and it brought nothing new: Find it",
    }  # fmt: skip
    assert len(state["loops"]) == 2
    assert "circle" not in planner.requests[1].text, "once more is no circle"
    assert "In a circle: the same plan again" in planner.requests[2].text
    assert "Failed: Find it (no). Ended because it went in a circle: the same plan again" in entry.case.lesson


async def test_the_same_tool_call_over_and_over_ends_subtask_and_run(settings: SettingsFactory) -> None:
    """The executor is told after the second call and stopped after the third; the planner after the first round."""
    planner = ScriptedModel([plan("Find it."), plan("Look for it."), Step(ANSWER, when="No further tasks can be run")])
    executor = ScriptedModel([Step(calls(("add", {"a": 1, "b": 1})), times=None)])
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        result = await aask(QUESTION, services=services)
    planner.assert_done()
    assert [len(each["tool_calls"]) for each in result.subtasks] == [3, 3]
    assert [each["status"] for each in result.subtasks] == ["partial", "partial"]
    assert str(result.subtasks[0].get("reason")).startswith('went in a circle: add {"a": 1, "b": 1}')
    second, third = executor.requests[1:3]
    assert "with the same result" not in second.text
    assert third.last.startswith("user: You have made this call before")
    assert 'In a circle: task 1 went in a circle: add {"a": 1, "b": 1}' in planner.requests[1].text
    assert result.status == "answered"


async def test_a_small_model_is_told_where_it_goes_on(settings: SettingsFactory) -> None:
    action = '{"tool": "add", "arguments": {"a": 1, "b": 1}}'
    executor = ScriptedModel([action, action, Step('{"result": "2"}', when=r"You have made this call before")])
    planner = ScriptedModel([plan("Add."), ANSWER])
    async with scripted_services(settings(judge_model="none"), planner, executor, native_tools=False) as services:
        result = await aask(QUESTION, services=services)
    assert result.subtasks[0]["result"] == "2"
    assert executor.requests[2].last.startswith("user: Tool result: 2\nYou have made this call before")
    assert executor.requests[2].last.endswith("\nReply:")


async def test_a_resumed_subtask_remembers_what_it_called(settings: SettingsFactory) -> None:
    again = calls(("add", {"a": 1, "b": 1}))
    executor = ScriptedModel([again, ProviderFault("down"), again, Step("2", when="You have made this call before")])
    planner = ScriptedModel([plan("Add."), ANSWER])
    async with scripted_services(settings(judge_model="none", top_k=0), planner, executor) as services:
        failed = await aask(QUESTION, thread_id="t", services=services)
        resumed = await aresume("t", services=services)
    executor.assert_done()
    assert failed.status == "failed"
    assert [(each["result"], len(each["tool_calls"])) for each in resumed.subtasks] == [("2", 2)]


async def test_parallel_subtasks_that_make_the_same_call_and_a_second_try_are_no_circle(
    settings: SettingsFactory,
) -> None:
    both: list[dict[str, Any]] = [{"id": n, "description": f"Add, way {n}.", "depends_on": []} for n in (1, 2)]
    planner = ScriptedModel([json.dumps({"plan": both}), ANSWER])
    executor = ScriptedModel(
        [Step("2", when="^tool: 2", times=2), Step(calls(("add", {"a": 1, "b": 1})), when="Subtask: Add", times=2)]
    )
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        await aask(QUESTION, thread_id="t", services=services)
        state = (await build_graph(services).aget_state({"configurable": {"thread_id": "t"}})).values
    assert (state["loops"], state["ending"]) == ([], None)


async def test_a_new_question_starts_without_the_old_report(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Divide 7 by 0."), ANSWER, plan("Divide 7 by 2."), ANSWER])
    configured = settings(judge_model="none", top_k=0)
    async with scripted_services(configured, planner, dividing()) as services:
        await aask(QUESTION, thread_id="t", services=services, context=Context(max_cycles=1))
        second = await aask("And half of 7 again?", thread_id="t", services=services)
    assert second.status == "answered"
    assert "<report>" in planner.requests[1].text
    assert not any("<report>" in request.text for request in planner.requests[2:])
