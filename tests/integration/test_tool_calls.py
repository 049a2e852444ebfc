"""Replies whose tool calls are wrong or too many, in the real graph with a real server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, InvalidToolCall, ToolMessage
from langchain_core.messages.tool import tool_call

from graph.api import aask
from graph.results import Result
from nodes.native_tools import UNREADABLE
from nodes.tool_loop import CALLS_AT_ONCE
from nodes.tool_requests import MAX_CALLS
from tests.fakes.mcp_servers.running import configured, raw, wild
from tests.fakes.scripted_model import Request, ScriptedModel, calls, plan
from tests.fakes.services import scripted_services


async def answered(
    home: Path, *replies: AIMessage | str, native_tools: bool = True, server: dict[str, Any] | None = None
) -> tuple[Result, list[Request]]:
    """A run of one subtask whose executor gives these replies, and the requests it got."""
    planner = ScriptedModel([plan("Do it."), '{"final_answer": "done"}'])
    executor = ScriptedModel(replies)
    settings = await configured(home, {"raw": server or raw()}, judge_model="none", max_tools=30)
    async with scripted_services(settings, planner, executor, native_tools=native_tools) as services:
        result = await aask("Q?", services=services)
    executor.assert_done()
    assert (result.status, result.subtasks[0]["status"]) == ("answered", "done")
    return result, executor.requests


def check_answers(request: Request) -> list[ToolMessage]:
    """Every call of the last reply is answered once, in order; the answers."""
    position = max(n for n, each in enumerate(request.messages) if isinstance(each, AIMessage))
    reply = request.messages[position]
    assert isinstance(reply, AIMessage)
    answers = [each for each in request.messages[position + 1 :] if isinstance(each, ToolMessage)]
    assert [call["id"] for call in reply.tool_calls] == [each.tool_call_id for each in answers]
    assert len({each.tool_call_id for each in answers}) == len(answers)
    assert reply.invalid_tool_calls == []
    return answers


async def test_wrong_calls_are_each_answered_in_a_line_the_model_can_act_on(home: Path) -> None:
    reply = AIMessage(
        "",
        tool_calls=[
            tool_call(name="echo", args={"text": "one"}, id="same"),
            tool_call(name="echo", args={"text": "two"}, id="same"),
            tool_call(name="ech o", args={}, id=""),
            tool_call(name="days_between", args={}, id=None),
            tool_call(name="echo", args={"text": {"no": "text"}}, id="typed"),
        ],
        invalid_tool_calls=[
            InvalidToolCall(name="echo", args='{"text": "thr', id="same", error="x", type="invalid_tool_call")
        ],
    )
    result, requests = await answered(home, reply, "finished")
    texts = [str(each.text) for each in check_answers(requests[1])]
    assert texts[:2] == ["echo: one", "echo: two"]
    assert texts[2].startswith("there is no tool 'ech o'; the tools are: echo, fail, ")
    assert texts[3].startswith("there is no tool 'days_between'")
    assert texts[4] == "echo: {'no': 'text'}"
    assert texts[5] == f'{UNREADABLE}; they began: {{"text": "thr'
    assert [call["ok"] for call in result.subtasks[0]["tool_calls"]] == [True, True, False, False, True, False]
    assert len({call["id"] for call in result.subtasks[0]["tool_calls"]}) == 6


async def test_ten_thousand_calls_run_a_few_and_flood_nothing(home: Path) -> None:
    many = AIMessage("", tool_calls=[tool_call(name="echo", args={"text": str(n)}, id="x") for n in range(10_000)])
    started = time.monotonic()
    result, requests = await answered(home, many, "finished")
    assert time.monotonic() - started < 20
    answers = check_answers(requests[1])
    assert [str(each.text) for each in answers[:-1]] == [f"echo: {n}" for n in range(MAX_CALLS)]
    assert "9,967 calls after it" in str(answers[-1].text)
    assert len(requests[1].text) < 10_000
    assert len(result.subtasks[0]["tool_calls"]) == MAX_CALLS + 1
    kept = await asyncio.to_thread(lambda: sum(file.stat().st_size for file in home.glob("*.sqlite*")))
    assert kept < 8_000_000


async def test_the_calls_of_a_reply_run_side_by_side_within_a_bound(home: Path, tmp_path: Path) -> None:
    server = await asyncio.to_thread(wild, tmp_path / "state.json", "busy")
    many = calls(*(("busy", {"text": str(n)}) for n in range(20)))
    result, _ = await answered(home, many, "finished", server=server)
    at_once = [int(call["result"]) for call in result.subtasks[0]["tool_calls"]]
    assert max(at_once) == CALLS_AT_ONCE


async def test_ids_that_every_reply_repeats_stay_apart(home: Path) -> None:
    turns = [calls(("echo", {"text": str(n)})) for n in range(3)]
    result, requests = await answered(home, *turns, "finished")
    assert result.subtasks[0]["tool_calls"][0]["id"] == "call_1"
    assert len({call["id"] for call in result.subtasks[0]["tool_calls"]}) == 3
    check_answers(requests[3])


async def test_without_tool_calling_one_action_a_reply_is_taken(home: Path) -> None:
    flood = "\n".join('{"tool": "echo", "arguments": {"text": "%d"}}' % n for n in range(10_000))  # noqa: UP031  braces
    result, requests = await answered(
        home,
        flood,
        '{"tool": "echo", "arguments": ["no", "object"]}',
        '{"tool": "nope"}',
        '{"result": "done"}',
        native_tools=False,
    )
    assert [(call["result"], call["ok"]) for call in result.subtasks[0]["tool_calls"]][:2] == [
        ("echo: 0", True),
        ('"arguments" must be a JSON object', False),
    ]
    assert len(requests[1].text) < 140_000


async def test_an_error_of_our_own_in_a_call_is_the_calls_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("/home/someone/secret")

    monkeypatch.setattr("tools.remote_tool.fit_arguments", broken)
    result, _ = await answered(home, calls(("echo", {"text": "x"})), "finished")
    (call,) = result.subtasks[0]["tool_calls"]
    assert (call["result"], call["ok"]) == ("echo failed: KeyError", False)
