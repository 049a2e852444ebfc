"""The scripted model itself: a fake that accepts anything would prove nothing."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool

from tests.fakes.scripted_model import Request, ScriptedModel, Step, UnexpectedCall, calls, plan


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_steps_without_a_matcher_are_taken_in_order() -> None:
    model = ScriptedModel(["one", AIMessage("two")])
    replies = [(await model.ainvoke("?")).content, (await model.ainvoke("?")).content]
    assert replies == ["one", "two"]
    model.assert_done()


async def test_parallel_requests_find_their_own_steps() -> None:
    model = ScriptedModel([Step("first", when="Subtask 1", delay=0.05), Step("second", when="^user: Subtask 2$")])
    replies = await asyncio.gather(model.ainvoke("Subtask 2"), model.ainvoke("Subtask 1"))
    assert [reply.content for reply in replies] == ["second", "first"]
    model.assert_done()


async def test_an_unexpected_call_fails_at_once_and_again_at_the_end() -> None:
    model = ScriptedModel([Step("no", when="never said")])
    with pytest.raises(UnexpectedCall, match=r"never said.*\nuser: hello"):
        await model.ainvoke("hello")
    with pytest.raises(AssertionError, match=r"no step fitted.*hello"):
        model.assert_done()


def test_a_step_that_is_not_used_fails_and_an_optional_one_does_not() -> None:
    with pytest.raises(AssertionError, match="step 1: 'left over'"):
        ScriptedModel([Step("maybe", times=None), "left over"]).assert_done()


async def test_a_step_is_used_as_often_as_it_says() -> None:
    model = ScriptedModel([Step("twice", times=2), "then"])
    assert [(await model.ainvoke("?")).content for _ in range(3)] == ["twice", "twice", "then"]


async def test_exceptions_are_raised_and_functions_see_the_request() -> None:
    def count(request: Request) -> str:
        return f"{len(request.messages)} messages"

    model = ScriptedModel([TimeoutError("slow"), Step(count)])
    with pytest.raises(TimeoutError, match="slow"):
        await model.ainvoke("?")
    assert (await model.ainvoke([SystemMessage("s"), HumanMessage("h")])).content == "2 messages"


async def test_requests_are_recorded_with_tools_format_and_options() -> None:
    model = ScriptedModel([calls(("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})), "3 and 7"])
    bound = model.bind_tools([add], tool_choice="auto").bind(response_format={"type": "json_object"}, temperature=0)
    reply = await bound.ainvoke("add them")
    assert [(call["id"], call["args"]) for call in reply.tool_calls] == [
        ("call_1", {"a": 1, "b": 2}),
        ("call_2", {"a": 3, "b": 4}),
    ]
    answers = [ToolMessage("3", tool_call_id="call_1"), ToolMessage("7", tool_call_id="call_2")]
    await bound.ainvoke([HumanMessage("add them"), reply, *answers])
    first, second = model.requests
    assert first.tool_names == ["add"]
    assert first.response_format == {"type": "json_object"}
    assert first.options == {"tool_choice": "auto", "temperature": 0}
    assert 'call add {"a": 3, "b": 4}' in second.text
    assert second.last == "tool: 7"
    assert model.requests_with("^tool: 3") == [second]


async def test_usage_grows_with_what_is_sent_and_can_be_given() -> None:
    given = AIMessage("x", usage_metadata={"input_tokens": 7, "output_tokens": 1, "total_tokens": 8})
    model = ScriptedModel(["a", "b", given])
    short, long, told = await model.ainvoke("?"), await model.ainvoke("?" * 400), await model.ainvoke("?")
    assert short.usage_metadata is not None and long.usage_metadata is not None
    assert long.usage_metadata["input_tokens"] >= short.usage_metadata["input_tokens"] + 99
    assert told.usage_metadata == given.usage_metadata


async def test_each_reply_is_a_message_of_its_own() -> None:
    reply = AIMessage("same", id="fixed")
    model = ScriptedModel([Step(reply, times=2)])
    first, second = await model.ainvoke("?"), await model.ainvoke("?")
    assert first.id != second.id


def test_it_works_without_an_event_loop_too() -> None:
    assert ScriptedModel(["yes"]).invoke("?").content == "yes"


def test_a_plan_is_written_as_json() -> None:
    assert plan("multiply", first_id=3) == '{"plan": [{"id": 3, "description": "multiply"}]}'
