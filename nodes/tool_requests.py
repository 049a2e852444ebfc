"""The tool calls of one reply, made so that each can be answered and the reply can be sent back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.tool import tool_call

MAX_CALLS = 32
"""Calls of one reply that are run. Tasks need a handful at once; a model that asks for more has lost its way."""
MAX_NAME = 200
MAX_ID = 100
EXCERPT = 200
NAMED = 40
"""Tools that an error names; a model that misses one more can look for it."""
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool call a model asks for.

    `fault` says why it cannot be run, `note` what the model must know of a call that ran; both in words for the model.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    fault: str | None = None
    note: str = ""


def read_calls(message: AIMessage, taken: set[str], unreadable: str) -> tuple[AIMessage, tuple[ToolRequest, ...]]:
    """The tool calls of a reply, and the reply as it goes back to the provider with their answers.

    Both hold the same calls with the same ids, no id twice in `taken`, every name and argument in a form that providers
    take back. Of more than MAX_CALLS calls one more is left, to be answered for all that are not run.

    Args:
        message: the reply as it came; stays as it is.
        taken: the ids of the subtask's calls so far; the new ones are added.
        unreadable: what the model is told of a call whose arguments cannot be read.
    """
    requests = [_with_own_id(request, taken) for request in islice(_requests(message, unreadable), MAX_CALLS + 1)]
    left_out = len(message.tool_calls) + len(message.invalid_tool_calls) - MAX_CALLS
    if left_out > 0:
        last = requests[-1]
        requests[-1] = ToolRequest(last.id, last.name, {}, too_many(left_out))
    return _sent_back(message, requests), tuple(requests)


def too_many(left_out: int) -> str:
    """What the model is told about the calls beyond MAX_CALLS."""
    others = f", and neither were the {left_out - 1:,} calls after it" if left_out > 1 else ""
    return f"not run{others}: at most {MAX_CALLS} calls of one reply are run; ask again for those still needed"


def unknown_tool(name: str, known: Sequence[str]) -> str:
    """What the model is told about a tool that is not there."""
    shown = ", ".join(known[:NAMED]) or "none"
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"there is no tool {_excerpt(name)!r}; the tools are: {shown}{more}"


def _requests(message: AIMessage, unreadable: str) -> Iterator[ToolRequest]:
    for call in message.tool_calls:
        yield ToolRequest(call["id"] or "", call["name"][:MAX_NAME], call["args"])
    for bad in message.invalid_tool_calls:
        given = _excerpt((bad["args"] or "").removeprefix("?"))  # which graph.completion_body puts there
        fault = f"{unreadable}; they began: {given}" if given else unreadable
        yield ToolRequest(bad["id"] or "", (bad["name"] or "")[:MAX_NAME], {}, fault)


def _with_own_id(request: ToolRequest, taken: set[str]) -> ToolRequest:
    stem = request.id[:MAX_ID] or "call"
    own, number = stem, len(taken)
    while own in taken or own == "call":
        number += 1
        own = f"{stem}-{number}"
    taken.add(own)
    return ToolRequest(own, request.name, request.arguments, request.fault)


def _sent_back(message: AIMessage, requests: Sequence[ToolRequest]) -> AIMessage:
    calls = [tool_call(name=_valid_name(each.name), args=each.arguments, id=each.id) for each in requests]
    if message.tool_calls == calls and not message.invalid_tool_calls:
        return message
    others = {
        key: value for key, value in message.additional_kwargs.items() if key not in ("tool_calls", "function_call")
    }
    return message.model_copy(
        update={
            "content": str(message.text),
            "tool_calls": calls,
            "invalid_tool_calls": [],
            "additional_kwargs": others,
        }
    )


def _valid_name(name: str) -> str:
    return _NOT_IN_A_NAME.sub("_", name)[:64] or "unnamed"


def _excerpt(text: str) -> str:
    plain = " ".join(text[: EXCERPT * 2].split())
    return plain if len(plain) <= EXCERPT else f"{plain[:EXCERPT]}..."
