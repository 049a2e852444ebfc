"""Faults in what a model replies: the real graph and client, a loopback endpoint. Rows of docs/failures.md."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from graph.api import aask
from graph.results import Result
from tests.conftest import SettingsFactory
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import plan_reply

PLANNER, EXECUTOR, JUDGE = "^system: You plan", "^developer: You carry", "^system: You judge"
ANSWER: JsonObject = {"content": '{"final_answer": "4"}'}
PLAN = plan_reply("Add 2 and 2.")
Asked = Callable[[OpenAIServer], Awaitable[Result]]


@pytest.fixture
def asked(settings: SettingsFactory) -> Asked:
    async def ask_at(server: OpenAIServer) -> Result:
        made = settings(openai_base_url=server.url, openai_api_key="sk-test", model_retries=0, max_steps=4)
        return await aask("2 + 2?", settings=made)

    return ask_at


def script(*executor: JsonObject, judge: JsonObject | None = None) -> list[JsonObject]:
    """A plan of one subtask, these replies of its executor (the last one for ever), the answer, a verdict."""
    verdict = judge or {"content": '{"verdict": "correct", "reason": "yes"}'}
    replies: list[JsonObject] = [{"when": EXECUTOR, "reply": each, "times": 1} for each in executor[:-1]]
    return [
        {"when": JUDGE, "reply": verdict},
        *replies,
        {"when": EXECUTOR, "reply": executor[-1]},
        {"when": PLANNER, "reply": PLAN, "times": 1},
        {"when": PLANNER, "reply": ANSWER},
    ]


UNREADABLE: dict[str, tuple[JsonObject, str]] = {
    "empty": ({"content": ""}, "holds neither"),
    "null": ({"content": None}, "holds neither"),
    "refusal": ({"content": None, "message": {"refusal": "I can't help with that."}}, "I can't help with that."),
    "filter": ({"content": "Here", "finish_reason": "content_filter"}, "content filter"),
    "cut plan": ({"content": '{"plan": [{"id": 1, "descr', "finish_reason": "length"}, "cut off"),
    "cut answer": ({"content": "FINAL ANSWER: four thousand and", "finish_reason": "length"}, "cut off"),
    "prose": ({"content": "I would add the numbers."}, "holds neither"),
    "half JSON": ({"content": '{"plan": [{"id": 1'}, "holds neither"),
    "no number": ({"content": '{"plan": [{"id": NaN, "description": "x"}]}'}, "holds neither"),
    "braces": ({"content": "{" * 1_000_000}, "holds neither"),
    "thousands": (plan_reply(*["x"] * 5000), "50"),
    "twice": ({"content": '{"plan": [{"id": 1, "description": "a"}, {"id": 1, "description": "b"}]}'}, "not unique"),
}


@pytest.mark.parametrize(("reply", "says"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_plan_that_cannot_be_read_is_repaired_once(asked: Asked, reply: JsonObject, says: str) -> None:
    rules: list[JsonObject] = [{"when": JUDGE, "reply": {"content": '{"verdict": "correct"}'}}]
    with OpenAIServer([*rules, {"reply": reply, "times": 1}, {"reply": ANSWER}]) as server:
        result = await asked(server)
        repair = server.chats[1]
    assert (result.status, result.answer) == ("answered", "4")
    assert says in repair.json["messages"][-1]["content"]
    assert len(repair.body) < 60_000


@pytest.mark.parametrize(("reply", "says"), UNREADABLE.values(), ids=UNREADABLE)
async def test_a_plan_that_cannot_be_read_twice_ends_the_run(asked: Asked, reply: JsonObject, says: str) -> None:
    with OpenAIServer([{"reply": reply}]) as server:
        result = await asked(server)
        assert len(server.chats) == 2
    assert (result.status, result.answer) == ("failed", None)
    assert result.error is not None
    assert result.error.type == "PlanFormatError" and says in result.error.message
    json.dumps(result.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    "content",
    [
        '{"final_answer": "4"} and that is all }',
        'Two thoughts: {"thought": "hm"} {"final_answer": "4"} {"final_answer": "5"}',
        '```json\n{"final_answer": 4}\n```',
    ],
    ids=["trailing garbage", "several objects", "fence"],
)
async def test_the_first_readable_object_in_a_reply_counts(asked: Asked, content: str) -> None:
    with OpenAIServer([{"when": JUDGE, "reply": ANSWER}, {"reply": {"content": content}}]) as server:
        result = await asked(server)
    assert (result.status, result.answer) == ("answered", "4")


async def test_an_answer_that_no_database_could_keep_is_mended(asked: Asked) -> None:
    content = '{"final_answer": "4 \\ud800 \\u0000 \ud83d."}'
    with OpenAIServer([{"when": JUDGE, "reply": ANSWER}, {"reply": {"content": content}}]) as server:
        result = await asked(server)
    assert (result.status, result.answer) == ("answered", "4 \ufffd \ufffd \ufffd.")
    assert result.case_id is not None
    json.dumps(result.as_json()).encode()


@pytest.mark.parametrize("said", ["I won't.", None], ids=["refusal", "filter"])
async def test_a_refused_subtask_has_failed_with_the_refusal_as_its_reason(asked: Asked, said: str | None) -> None:
    reply: JsonObject = {"content": None, "message": {"refusal": said}} if said else {"finish_reason": "content_filter"}
    with OpenAIServer(script(reply)) as server:
        result = await asked(server)
    (subtask,) = result.subtasks
    assert (result.status, subtask["status"]) == ("answered", "failed")
    assert (said or "content filter") in subtask["reason"]


async def test_a_result_that_was_cut_off_is_partial_and_says_so(asked: Asked) -> None:
    with OpenAIServer(script({"content": "The sum of 2 and 2 is", "finish_reason": "length"})) as server:
        result = await asked(server)
    (subtask,) = result.subtasks
    assert subtask["status"] == "partial"
    assert subtask["result"].endswith("[cut off here: the reply reached its length limit]")
    assert "length limit" in subtask["reason"]


async def test_a_tool_call_that_was_cut_off_is_not_run(asked: Asked) -> None:
    cut = {"tool_calls": [{"name": "add", "arguments": '{"a": 2, "b": 2'}], "finish_reason": "length"}
    unbegun = {"tool_calls": [{"name": "now", "arguments": ""}], "finish_reason": "length"}
    with OpenAIServer(script(cut, unbegun, {"content": "4"})) as server:
        result = await asked(server)
    (subtask,) = result.subtasks
    assert [(call["ok"], "cut off" in call["result"]) for call in subtask["tool_calls"]] == [(False, True)] * 2
    assert subtask["status"] == "done"


BAD_CALLS: dict[str, tuple[str, Any, str]] = {
    "half JSON": ("add", '{"a": 2, "b"', "not valid JSON"),
    "a list": ("add", "[2, 2]", "not valid JSON"),
    "a number": ("add", "4", "not valid JSON"),
    "no number": ("add", '{"a": NaN, "b": 2}', "not valid JSON"),
    "infinite": ("add", '{"a": 1e999, "b": 2}', "not valid JSON"),
    "too large": ("add", f'{{"a": {10**30}, "b": 2}}', "not valid JSON"),
    "thousands of digits": ("add", f'{{"a": {"9" * 5000}, "b": 2}}', "not valid JSON"),
    "nested": ("add", '{"a":' * 500 + "1" + "}" * 500, "not valid JSON"),
    "wrong type": ("add", {"a": "two", "b": 2}, "a"),
    "missing": ("add", {"a": 2}, "b"),
    "nothing": ("add", "", "a"),
    "unknown tool": ("subtract", {"a": 2}, "there is no tool 'subtract'"),
    "nameless": ("", {"a": 2}, "there is no tool ''"),
}


async def test_a_call_that_cannot_be_run_is_answered_as_a_fault(asked: Asked) -> None:
    wanted = {**BAD_CALLS, "good": ("add", {"a": 2, "b": 2}, "4")}
    calls = [{"id": what, "name": name, "arguments": given} for what, (name, given, _) in wanted.items()]
    with OpenAIServer(script({"tool_calls": calls}, {"content": "4"})) as server:
        result = await asked(server)
        (answered,) = [each for each in server.chats if '"tool_call_id"' in each.body.decode()]
    assert (result.status, result.subtasks[0]["status"]) == ("answered", "done")
    called = {each["id"]: each for each in result.subtasks[0]["tool_calls"]}
    answers = {each["tool_call_id"]: each["content"] for each in answered.json["messages"] if each["role"] == "tool"}
    assert called.keys() == answers.keys() == wanted.keys()
    for what, (name, _, says) in wanted.items():
        assert (called[what]["name"], called[what]["ok"]) == (name, what == "good"), what
        assert says in called[what]["result"] == answers[what], what


async def test_arguments_that_are_no_text_but_an_object_are_taken(asked: Asked) -> None:
    call = {"id": 7, "type": "function", "function": {"name": "add", "arguments": {"a": 2, "b": 2}}}
    odd: JsonObject = {"content": None, "message": {"tool_calls": [call], "role": "model", "id": "same"}}
    with OpenAIServer(script(odd, {"content": "4", "message": {"role": None, "id": "same"}})) as server:
        result = await asked(server)
    assert [call["result"] for call in result.subtasks[0]["tool_calls"]] == ["4"]
    assert result.usage.llm_calls == 5


async def test_an_executor_that_says_nothing_for_ever_has_failed(asked: Asked) -> None:
    with OpenAIServer(script({"content": ""})) as server:
        result = await asked(server)
        said = [message for request in server.chats for message in request.json["messages"]]
    assert (result.status, result.subtasks[0]["status"]) == ("answered", "failed")
    assert "4 model replies" in result.subtasks[0]["reason"]
    assert all(message["content"] for message in said if message["role"] == "assistant")


@pytest.mark.parametrize(
    "judge",
    [
        {"content": None, "message": {"refusal": "I don't judge."}},
        {"content": ""},
        {"content": '{"verdict": "corr', "finish_reason": "length"},
        {"fault": "server_error"},
        {"fault": "unauthorized"},
    ],
    ids=["refusal", "empty", "cut", "500", "401"],
)
async def test_a_judge_that_does_not_judge_gives_no_reward(asked: Asked, judge: JsonObject) -> None:
    with OpenAIServer([{"when": JUDGE, "reply": judge}, {"reply": ANSWER}]) as server:
        result = await asked(server)
    assert (result.status, result.answer, result.reward, result.reward_source) == ("answered", "4", None, None)


USAGES: dict[str, Any] = {
    "missing": None,
    "negative": {"prompt_tokens": -5, "completion_tokens": 2},
    "texts": {"prompt_tokens": "many", "completion_tokens": "few"},
    "absurd": {"prompt_tokens": 10**40, "completion_tokens": 1},
    "no number": {"prompt_tokens": float("nan"), "completion_tokens": 1},
    "details": {"prompt_tokens": None, "completion_tokens": 1, "prompt_tokens_details": "none"},
}


@pytest.mark.parametrize("usage", USAGES.values(), ids=USAGES)
async def test_usage_that_makes_no_sense_counts_as_not_known(asked: Asked, usage: Any) -> None:
    body: JsonObject = {"choices": [{"message": ANSWER}], "usage": usage, "model": "another-one"}
    with OpenAIServer([{"when": JUDGE, "reply": ANSWER}, {"reply": {"raw": json.dumps(body)}}]) as server:
        result = await asked(server)
        judged = [request for request in server.chats if request.text.startswith("system: You judge")]
    assert (result.status, result.answer) == ("answered", "4")
    assert 0 <= result.usage.input_tokens <= len(judged[0].body)
