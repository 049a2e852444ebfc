"""The tool calls of a reply, whatever they look like: each gets an answer, and a provider takes the reply back."""

from __future__ import annotations

import re
import time
from typing import Any

from langchain_core.messages import AIMessage, InvalidToolCall
from langchain_core.messages.tool import tool_call

from nodes.tool_requests import MAX_CALLS, read_calls, unknown_tool

BAD = "the arguments cannot be read"


def said(*calls: tuple[str | None, str, dict[str, Any]], **more: Any) -> AIMessage:
    made = [tool_call(name=name, args=args, id=own) for own, name, args in calls]
    return AIMessage("", tool_calls=made, **more)


def test_an_ordinary_reply_goes_back_as_it_came() -> None:
    message = said(("a", "add", {"a": 1}), ("b", "now", {}), additional_kwargs={"refusal": None})
    back, requests = read_calls(message, set(), BAD)
    assert back is message
    assert [(each.id, each.name, each.arguments, each.fault) for each in requests] == [
        ("a", "add", {"a": 1}, None),
        ("b", "now", {}, None),
    ]


def test_ids_are_unique_within_the_reply_and_the_subtask_and_the_same_in_what_goes_back() -> None:
    taken: set[str] = set()
    first, _ = read_calls(said(("x", "add", {})), taken, BAD)
    raw = {"tool_calls": [{"id": "x"}], "refusal": "no"}
    back, requests = read_calls(
        said(("x", "a", {}), ("x", "b", {}), (None, "c", {}), ("", "d", {}), additional_kwargs=raw), taken, BAD
    )
    own = [each.id for each in requests]
    assert first.tool_calls[0]["id"] == "x"
    assert len({*own, "x", ""}) == 6
    assert [call["id"] for call in back.tool_calls] == own
    assert [call["name"] for call in back.tool_calls] == ["a", "b", "c", "d"]
    assert back.additional_kwargs == {"refusal": "no"}


def test_the_same_reply_is_read_the_same_again() -> None:
    message = said(("x", "a", {}), ("x", "b", {}), (None, "c", {}))
    assert read_calls(message, set(), BAD) == read_calls(message, set(), BAD)


def test_arguments_that_are_no_json_object_are_told_and_go_back_as_none() -> None:
    bad = InvalidToolCall(type="invalid_tool_call", id="i", name="add", args='{"a": 1,' + " x" * 900, error="e")
    back, (fine, broken) = read_calls(said(("a", "now", {}), invalid_tool_calls=[bad]), set(), BAD)
    assert fine.fault is None
    assert broken.fault is not None
    assert broken.fault.startswith('the arguments cannot be read; they began: {"a": 1, x x')
    assert len(broken.fault) < 300
    assert back.invalid_tool_calls == []
    assert [(call["id"], call["args"]) for call in back.tool_calls] == [("a", {}), ("i", {})]


def test_names_go_back_in_the_form_providers_take() -> None:
    back, requests = read_calls(said(("a", "functions.add", {}), ("b", "", {}), ("c", "n" * 10_000, {})), set(), BAD)
    assert [call["name"] for call in back.tool_calls] == ["functions_add", "unnamed", "n" * 64]
    assert requests[0].name == "functions.add"
    assert len(requests[2].name) == 200


def test_of_ten_thousand_calls_a_few_run_and_one_answer_speaks_for_the_others() -> None:
    message = said(*(("x", "add", {"a": number}) for number in range(10_000)))
    started = time.monotonic()
    back, requests = read_calls(message, set(), BAD)
    assert time.monotonic() - started < 0.1
    assert len(back.tool_calls) == len(requests) == MAX_CALLS + 1
    assert [each.fault for each in requests[:-1]] == [None] * MAX_CALLS
    assert requests[-1].fault == (
        f"not run, and neither were the {10_000 - MAX_CALLS - 1:,} calls after it: "
        f"at most {MAX_CALLS} calls of one reply are run; ask again for those still needed"
    )
    assert len(message.tool_calls) == 10_000


def test_as_many_as_are_run_are_all_run() -> None:
    _, requests = read_calls(said(*((str(number), "add", {}) for number in range(MAX_CALLS))), set(), BAD)
    assert [each.fault for each in requests] == [None] * MAX_CALLS
    _, requests = read_calls(said(*((str(number), "add", {}) for number in range(MAX_CALLS + 1))), set(), BAD)
    assert re.match("not run: at most", str(requests[-1].fault))


def test_an_unknown_tool_is_named_with_some_that_are_there() -> None:
    assert unknown_tool("nope", []) == "there is no tool 'nope'; the tools are: none"
    told = unknown_tool("x" * 10_000, [f"t{number}" for number in range(5000)])
    assert len(told) < 600
    assert told.endswith("t39 and 4960 more")
