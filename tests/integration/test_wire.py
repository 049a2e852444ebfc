"""What goes over the wire: the real OpenAI client against a loopback server, the real graph and tools behind it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any

import pytest

from configs.settings import Settings
from graph.api import aask
from graph.models import ModelPool
from tests.conftest import SettingsFactory
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import ANSWER, QUESTION, plan_reply, rules, tool_reply

ORIGINAL_TOKENS = 17_900
"""What the original sends for a question of three one-call tasks."""


@pytest.fixture
def pointed(settings: SettingsFactory) -> Any:
    def make(server: OpenAIServer, **overrides: object) -> Settings:
        return settings(openai_base_url=server.url, openai_api_key="sk-test", model_retries=1, config=None, **overrides)

    return make


async def test_the_requests_of_a_whole_task(pointed: Any) -> None:
    with OpenAIServer(rules()) as server:
        result = await aask(QUESTION, settings=pointed(server))
    assert (result.status, result.answer, result.reward, result.reward_source) == ("answered", ANSWER, 1, "judge")
    assert [(each["id"], each["status"]) for each in result.subtasks] == [
        (1, "done"), (2, "done"), (3, "failed"), (4, "done"),
    ]  # fmt: skip
    bodies = [each.json for each in server.chats]
    assert all(QUESTION in json.dumps(body["messages"]) for body in bodies)
    for body in bodies:
        names = Counter(tool["function"]["name"] for tool in body.get("tools", []))
        assert all(count == 1 for count in names.values())
        assert '"parameters"' not in json.dumps(body["messages"]), "a schema stands in a prompt"
        check_order(body["messages"])
    roles = Counter(body["messages"][0]["content"].split(" ")[1] for body in bodies)
    assert roles == {"plan": 3, "carry": 8, "judge": 2}, "the judge reflects on the round in which something failed"


def check_order(messages: list[dict[str, Any]]) -> None:
    """Each assistant message with tool calls is followed at once by one answer to each of them, in order."""
    for position, message in enumerate(messages):
        wanted = [call["id"] for call in message.get("tool_calls") or []]
        answers = messages[position + 1 : position + 1 + len(wanted)]
        assert [answer.get("tool_call_id") for answer in answers] == wanted


async def test_three_one_call_tasks_cost_at_most_a_third_of_the_originals_tokens(pointed: Any) -> None:
    script: list[JsonObject] = [
        {"when": "(?s)^system: You plan.*Result 3: 12", "reply": {"content": '{"final_answer": "12"}'}},
        {"when": "^system: You plan", "reply": plan_reply("Add 1 and 2.", "Add 3 and 4.", "Add 5 and 7.")},
        *(
            {"when": f"(?s)^Subtask: Add {a} and {b}.*^tool: {a + b}", "reply": {"content": str(a + b)}}
            for a, b in ((1, 2), (3, 4), (5, 7))
        ),
        *(
            {"when": f"^Subtask: Add {a} and {b}", "reply": tool_reply(("add", {"a": a, "b": b}))}
            for a, b in ((1, 2), (3, 4), (5, 7))
        ),
    ]
    with OpenAIServer(script) as server:
        result = await aask("Three sums?", settings=pointed(server, judge_model="none"))
    assert result.answer == "12"
    sent = [each.json for each in server.chats]
    characters = sum(len(json.dumps(body["messages"])) + len(json.dumps(body.get("tools", []))) for body in sent)
    assert len(sent) == 8
    assert characters / 4 <= ORIGINAL_TOKENS / 3, f"about {characters / 4:.0f} tokens"


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "cut"])
async def test_a_passing_fault_is_retried(pointed: Any, fault: str) -> None:
    script: list[JsonObject] = [
        {"reply": {"fault": fault}, "times": 1},
        {"reply": {"content": '{"final_answer": "4"}'}},
    ]
    with OpenAIServer(script) as server:
        result = await aask("2 + 2?", settings=pointed(server, judge_model="none"))
    assert (result.status, result.answer) == ("answered", "4")


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        ({"fault": "unauthorized"}, "ConfigurationError", "OPENAI_API_KEY"),
        ({"fault": "model_not_found"}, "ConfigurationError", "gpt-4.1"),
        ({"fault": "server_error"}, "ModelUnavailableError", "500"),
        ({"fault": "rate_limited"}, "ModelUnavailableError", "429"),
        ({"fault": "html"}, "ModelUnavailableError", ""),
        ({"fault": "no_choices"}, "ModelUnavailableError", ""),
        ({"fault": "empty"}, "PlanFormatError", ""),
        ({"fault": "bad_request", "code": "context_length_exceeded"}, "RequestTooLongError", ""),
    ],
)
async def test_a_lasting_fault_ends_in_one_line(pointed: Any, reply: dict[str, Any], error: str, says: str) -> None:
    with OpenAIServer([{"reply": reply}]) as server:
        result = await aask("2 + 2?", settings=pointed(server))
    assert result.status == "failed"
    assert result.error is not None
    assert result.error.type == error
    assert says in result.error.message
    assert "\n" not in result.error.message
    assert "sk-test" not in result.error.message
    assert result.answer is None


async def test_an_endpoint_that_is_not_there_and_one_that_hangs(pointed: Any) -> None:
    with OpenAIServer([{"reply": {"fault": "hang"}}]) as server:
        hung = await aask("2 + 2?", settings=pointed(server, model_timeout=0.5))
        gone = pointed(server)
    unreachable = await aask("2 + 2?", settings=gone)
    for result in (hung, unreachable):
        assert result.error is not None
        assert result.error.type == "ModelUnavailableError"
        assert "\n" not in result.error.message


async def test_a_stream_is_never_asked_for(pointed: Any) -> None:
    """Not even where somebody listens to tokens: a stream that breaks is not retried."""
    with OpenAIServer([{"reply": {"content": "4"}}]) as server:
        pool = ModelPool(pointed(server))
        model = await pool.get("openai:gpt-4.1")
        assert "".join([str(part.text) async for part in model.chat.astream("2 + 2?")]) == "4"
        await pool.aclose()
        (request,) = server.chats
    assert not request.json.get("stream")


async def test_a_run_that_waits_for_a_busy_endpoint_can_be_stopped(pointed: Any) -> None:
    """So that a budget of time holds while an endpoint asks to wait for longer."""
    with OpenAIServer([{"reply": {"fault": "rate_limited", "retry_after": 60}}]) as server:
        run = asyncio.create_task(aask("2 + 2?", settings=pointed(server)))
        await asyncio.to_thread(_until_asked, server)
        stopped = time.monotonic()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert len(server.chats) == 1
    assert time.monotonic() - stopped < 20
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _until_asked(server: OpenAIServer) -> None:
    while not server.chats:
        time.sleep(0.02)
    time.sleep(0.3)
