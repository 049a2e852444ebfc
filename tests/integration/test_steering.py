"""Approve, edit and reject plans and tool calls: the real graph and tools, scripted models."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from configs.errors import ConfigurationError, InvalidInputError
from graph.api import aask, aresume
from graph.builder import build_graph
from graph.context import Context
from graph.events import Event
from memory.journal import replay
from tests.conftest import SettingsFactory
from tests.fakes.decisions import QUESTION, answer, edit, final, reject
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services

APPROVE = {"type": "approve"}


def multiplier(*after: Step) -> ScriptedModel:
    return ScriptedModel([*after, Step(calls(("multiply", {"a": 48, "b": 37})), when="Subtask: Multiply")])


async def test_a_call_waits_runs_edited_and_the_model_is_told(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), final("100")])
    executor = multiplier(Step("100", when='^tool: A person changed the arguments to {"a": 10, "b": 10}.\n100'))
    events: list[Event] = []
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="tools"), on_event=events.append)
        assert (waits.status, waits.answer, waits.case_id) == ("interrupted", None, None)
        (question,) = waits.as_json()["interrupts"]
        assert [each["name"] for each in question["value"]["action_requests"]] == ["multiply"]
        assert question["value"]["action_requests"][0]["args"] == {"a": 48, "b": 37}
        assert not [event for event in events if event["type"] == "tool_called"]
        again = await aresume(waits.thread_id, services=services)  # no answer: it waits on, and nothing is asked twice
        assert again.interrupts == waits.interrupts
        done = await aresume(
            waits.thread_id, answers=answer(waits, edit("multiply", a=10, b=10)), services=services,
            on_event=events.append,
        )  # fmt: skip
    planner.assert_done()
    executor.assert_done()
    assert (done.status, done.answer, done.interrupts) == ("answered", "100", [])
    (call,) = done.subtasks[0]["tool_calls"]
    assert (call["arguments"], call["ok"]) == ({"a": 10, "b": 10}, True)
    told = [event["type"] for event in events if event["type"].startswith(("approval", "tool_called"))]
    assert told == ["approval_requested", "approval_answered", "tool_called"], "each is told once"
    assert done.usage.llm_calls == 4


async def test_a_rejected_call_gives_the_model_the_reason(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), final("nothing")])
    executor = multiplier(Step("FAILED: not allowed", when="^tool: a person rejected this call: too dear"))
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="multiply"))
        done = await aresume(waits.thread_id, answers=answer(waits, reject("too dear")), services=services)
    executor.assert_done()
    assert done.subtasks[0]["status"] == "failed"
    assert [call["ok"] for call in done.subtasks[0]["tool_calls"]] == [False]


async def test_one_question_for_the_calls_of_a_reply_that_need_it(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37 and add."), final("ok")])
    both = calls(("multiply", {"a": 48, "b": 37}), ("add", {"a": 1, "b": 2}), ("multiply", {"a": 2, "b": 2}))
    executor = ScriptedModel(
        [Step("ok", when="^tool: 1776(.|\n)*^tool: 3(.|\n)*^tool: a person rejected this call$"), Step(both)]
    )
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="multiply"))
        done = await aresume(waits.thread_id, answers=answer(waits, APPROVE, reject()), services=services)
    executor.assert_done()
    assert [(call["name"], call["ok"]) for call in done.subtasks[0]["tool_calls"]] == [
        ("multiply", True), ("add", True), ("multiply", False),
    ]  # fmt: skip


async def test_a_malformed_answer_is_refused_and_asked_again(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), plan("Multiply 48 by 37."), final("none")])
    async with scripted_services(settings(judge_model="none"), planner, ScriptedModel()) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="plan"))
        refused: list[Any] = [{"decisions": []}, True, {"decisions": [edit("multiply", a=1)]}]
        for bad in refused:
            with pytest.raises(InvalidInputError):
                await aresume(waits.thread_id, answers={waits.interrupts[0]["id"]: bad}, services=services)
        with pytest.raises(InvalidInputError, match="nothing with the id 'other' waits"):
            await aresume(waits.thread_id, answers={"other": {"decisions": [APPROVE]}}, services=services)
        unsound = [
            ([], "at least 1 item"),
            ([{"id": 1, "description": "a"}, {"id": 1, "description": "b"}], "not unique"),
            ([{"id": 1, "description": "a", "depends_on": [7]}], "depends on 7"),
            (
                [{"id": 1, "description": "a", "depends_on": [2]}, {"id": 2, "description": "b", "depends_on": [1]}],
                "circle",
            ),
        ]
        for tasks, fault in unsound:
            waits = await aresume(waits.thread_id, answers=answer(waits, edit("plan", plan=tasks)), services=services)
            assert waits.status == "interrupted"
            assert fault in waits.interrupts[0]["value"]["fault"]
        second = await aresume(waits.thread_id, answers=answer(waits, reject("too dear")), services=services)
        assert "does not want this plan to be carried out: too dear" in planner.requests[1].text
        assert second.status == "interrupted"
        ended = await aresume(waits.thread_id, answers=answer(second, reject("no")), services=services)
    planner.assert_done()
    assert (ended.status, ended.answer, ended.subtasks) == ("answered", "none", [])


async def test_an_edited_plan_is_carried_out(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Divide 1 by 0."), final("1776")])
    executor = multiplier(Step("1776", when="^tool: 1776"))
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="plan"))
        assert [each["name"] for each in waits.interrupts[0]["value"]["action_requests"]] == ["plan"]
        mended = edit("plan", plan=[{"id": 1, "description": "Multiply 48 by 37."}])
        done = await aresume(waits.thread_id, answers=answer(waits, mended), services=services)
        (entry,) = await asyncio.to_thread(lambda: list(replay(services.settings.home).entries.values()))
    executor.assert_done()
    assert [each["description"] for each in done.plan] == ["Multiply 48 by 37."]
    assert [step.description for step in entry.case.plan] == ["Multiply 48 by 37."]


async def test_branches_wait_side_by_side_and_each_is_answered_on_its_own(settings: SettingsFactory) -> None:
    both: list[dict[str, Any]] = [{"id": each, "description": f"Multiply {each}.", "depends_on": []} for each in (1, 2)]
    planner = ScriptedModel([json.dumps({"plan": both}), final("4")])
    executor = ScriptedModel(
        [
            Step("1", when="^tool: 1$"),
            Step("4", when="^tool: 4$"),
            Step(calls(("multiply", {"a": 1, "b": 1})), when="Multiply 1"),
            Step(calls(("multiply", {"a": 2, "b": 2})), when="Multiply 2"),
        ]
    )
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="tools"))
        first, second = waits.interrupts
        assert [each["value"]["action_requests"][0]["args"]["a"] for each in waits.interrupts] == [1, 2]
        left = await aresume(
            waits.thread_id, answers={second["id"]: {"decisions": [APPROVE]}}, services=services
        )  # fmt: skip
        assert [each["id"] for each in left.interrupts] == [first["id"]]
        done = await aresume(waits.thread_id, answers={first["id"]: {"decisions": [APPROVE]}}, services=services)
    executor.assert_done()
    assert [each["result"] for each in done.subtasks] == ["1", "4"]


async def test_whoever_goes_on_cannot_drop_the_approval(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), final("no")])
    executor = multiplier(Step("FAILED: no", when="^tool: a person rejected"))
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="tools"))
        done = await aresume(
            waits.thread_id, answers=answer(waits, reject()), services=services, context=Context(approval="none")
        )
    executor.assert_done()
    assert done.answer == "no"


async def test_a_name_that_no_tool_has_is_refused(settings: SettingsFactory) -> None:
    """`aask` refuses it before anything starts; where a server runs the graph, the run fails before any tool runs."""
    planner, knobs = ScriptedModel([plan("Multiply 48 by 37.")]), Context(approval="tools,mutliply")
    async with scripted_services(settings(judge_model="none"), planner, ScriptedModel()) as services:
        with pytest.raises(ConfigurationError, match="no tool 'mutliply'"):
            await aask(QUESTION, services=services, context=knobs)
        assert not planner.requests
        given: Any = {"messages": [{"role": "user", "content": QUESTION}]}
        config: Any = {"configurable": {"thread_id": "server"}}
        with pytest.raises(ConfigurationError, match=r"no tool 'mutliply'.*start it anew with another"):
            await build_graph(services).ainvoke(given, config, context=knobs)


async def test_with_a_parallelism_of_1_one_thing_waits_at_a_time(settings: SettingsFactory) -> None:
    """Chat interfaces show one question and cannot say which one they answer."""
    tasks: list[dict[str, Any]] = [
        {"id": each, "description": f"Multiply {each}.", "depends_on": []} for each in (1, 2)
    ]
    planner = ScriptedModel([json.dumps({"plan": tasks}), final("4")])
    executor = ScriptedModel(
        [
            Step("1", when="^tool: 1$"),
            Step("4", when="^tool: 4$"),
            Step(calls(("multiply", {"a": 1, "b": 1})), when="Multiply 1"),
            Step(calls(("multiply", {"a": 2, "b": 2})), when="Multiply 2"),
        ]
    )
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        result = await aask(QUESTION, services=services, context=Context(approval="tools", parallelism=1))
        for first in (1, 2):
            (waiting,) = result.interrupts
            assert waiting["value"]["action_requests"][0]["args"]["a"] == first
            result = await aresume(result.thread_id, answers=answer(result, APPROVE), services=services)
    executor.assert_done()
    assert [each["result"] for each in result.subtasks] == ["1", "4"]


async def test_steps_become_messages_that_the_next_task_does_not_read(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), final("1776"), final("x")])
    executor = multiplier(Step("1776", when="^tool: 1776"))
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        graph = build_graph(services)
        config: Any = {"configurable": {"thread_id": "chat"}}
        knobs = Context(show_steps=True, approval="tools")
        await aask(QUESTION, services=services, context=knobs, thread_id="chat")
        waiting = (await graph.aget_state(config)).values["messages"]
        assert waiting[-1].type == "ai", "a chat interface shows a question below the agent's last message"
        ids = {each.id: {"decisions": [APPROVE]} for each in (await graph.aget_state(config)).interrupts}
        await aresume("chat", answers=ids, services=services)
        shown = (await graph.aget_state(config)).values["messages"]
        await aask("And now?", services=services, context=knobs, thread_id="chat")
    assert [each.type for each in shown] == ["human", "ai", "ai", "ai", "tool", "ai", "ai"]
    assert shown[1].text == "No earlier case is like this."
    assert shown[2].text.splitlines() == ["Plan:", "", "1. Multiply 48 by 37."]
    assert [(call["name"], call["args"]) for call in shown[3].tool_calls] == [("multiply", {"a": 48, "b": 37})]
    assert (shown[4].content, shown[4].tool_call_id) == ("gave 1776", shown[3].tool_calls[0]["id"])
    assert (shown[5].text, shown[6].text) == ("Subtask 1 done: 1776", "1776")
    asked = planner.requests[2].text
    assert "User: What is 48 times 37?\nAssistant: 1776\n</conversation>" in asked
    assert "Plan:" not in asked.partition("<conversation>")[2]


@pytest.mark.parametrize("approval", ["plan", "tools"])
async def test_nothing_is_asked_where_the_answer_could_meet_another_call(
    settings: SettingsFactory, approval: str
) -> None:
    planner, executor = ScriptedModel([plan("Multiply 48 by 37.")]), multiplier()
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        config: Any = {"configurable": {"thread_id": "t"}, "max_concurrency": 4}
        given: Any = {"messages": [("human", QUESTION)]}
        with pytest.raises(ConfigurationError, match="max_concurrency"):
            await build_graph(services).ainvoke(given, config, context=Context(approval=approval))


async def test_waiting_for_a_person_uses_up_no_time(settings: SettingsFactory) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), final("1776")])
    executor = multiplier(Step("1776", when="^tool: 1776"))
    knobs = Context(approval="tools", max_seconds=6)
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        multiply = next(tool for tool in await services.tools.tools() if tool.name == "multiply")
        await multiply.ainvoke({"a": 1, "b": 1})  # the start of its server is no part of the run
        waits = await aask(QUESTION, services=services, context=knobs)
        await asyncio.sleep(7)
        done = await aresume(waits.thread_id, answers=answer(waits, APPROVE), services=services)
    assert (done.status, done.answer, [each["status"] for each in done.subtasks]) == ("answered", "1776", ["done"])
