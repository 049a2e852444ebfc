"""A chat completion as it must be for the client to read it. Pure: from the bytes of a 200 response to sound ones.

What an endpoint may well do differently is set right; what a model got wrong (arguments that are no JSON object) stays
as wrong as it is, so that the model is told; what is no chat completion is a fault.
"""

from __future__ import annotations

import json
import math
import uuid
from typing import Any, NoReturn

import httpx

from nodes.reply_ending import FILTERED
from nodes.storable import storable

MAX_TOKENS = 10**12
MAX_DEPTH = 40
MAX_INT = 2**63
UNREADABLE = "?"
"""Stands before arguments that must not be taken for a JSON object, such as `[1, 2]` and `{"a": NaN}`."""

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
DETAILS = ("prompt_tokens_details", "completion_tokens_details")


class BrokenReply(httpx.RemoteProtocolError):
    """The reply is cut or garbled; the next one may be whole."""


class LastingFault(ValueError):
    """The reply is something else altogether; asking again gives the same, and the OpenAI client lets it pass."""


class ServerFault(Exception):
    """The reply is an error with status 200. `status` is the one it should have had."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def sound(body: bytes) -> bytes:
    """The completion with one choice, an assistant's message, counted tokens or none, and text that can be stored.

    Raises:
        BrokenReply, LastingFault, ServerFault: it is none.
    """
    completion = storable(_object(body))
    choices = completion.get("choices")
    if not choices and completion.get("error"):
        _raise_error(completion["error"])
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        raise BrokenReply("it holds no message")
    ended = choice.get("finish_reason")
    message = _message(choice["message"], cut=ended == "length")
    if ended == "content_filter":  # for which AzureChatOpenAI raises
        message["refusal"], ended = message["refusal"] or FILTERED, "stop"
    kept = {
        "choices": [{**choice, "message": message, "finish_reason": ended}],
        "usage": _usage(completion.get("usage")),
    }
    return json.dumps({**completion, **kept, "id": str(completion.get("id") or "")}).encode()


def _object(body: bytes) -> dict[str, Any]:
    head = body[:500].lstrip()
    if head.startswith(b"<"):
        raise LastingFault("the endpoint answers with a web page; is its address right?")
    if head.startswith((b"data:", b"event:", b":")):
        raise LastingFault("the endpoint answers with an event stream that nobody asked for")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise BrokenReply(f"it is no JSON: {' '.join(str(fault).split())}") from fault
    if not isinstance(value, dict) or _depth(value) > MAX_DEPTH:
        raise BrokenReply("it is no JSON object that could be a chat completion")
    return value


def _raise_error(error: Any) -> NoReturn:
    """Some gateways put the status of what is behind them into the body alone."""
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int) and httpx.codes.is_error(code):
        raise ServerFault(code)
    raise BrokenReply(f"it is an error: {json.dumps(error)[:200]}")


def _message(message: dict[str, Any], *, cut: bool) -> dict[str, Any]:
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        raise BrokenReply(f"its content is a {type(content).__name__}")
    refusal = message.get("refusal")
    calls = [_call(call, none="{}") for call in message.get("tool_calls") or []]
    if calls and cut:  # no arguments yet is not the same as none
        calls[-1] = _call(message["tool_calls"][-1], none=UNREADABLE)
    return {
        "role": "assistant",
        "content": content,
        "refusal": refusal if isinstance(refusal, str) else None,
        **({"tool_calls": calls} if calls else {}),
    }


def _call(call: Any, *, none: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BrokenReply("it holds a tool call that names no tool")
    made = call.get("id")
    return {
        "id": made if made and isinstance(made, str) else f"call_{uuid.uuid4().hex}",
        "type": "function",
        "function": {"name": function["name"], "arguments": _arguments(function.get("arguments")) or none},
    }


def _arguments(given: Any) -> str:
    """The arguments as a text that is a usable JSON object or cannot be read as JSON at all; empty where none came."""
    if given is None or given == "":
        return ""
    text = given if isinstance(given, str) else json.dumps(given)
    try:
        value = json.loads(text, strict=False, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return UNREADABLE + text
    if not isinstance(value, dict) or _depth(value) > MAX_DEPTH or not _numbers_fit(value):
        return UNREADABLE + text
    return json.dumps(storable(value), ensure_ascii=False)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _numbers_fit(value: Any) -> bool:
    """Whether every number can be kept: 64 bits, finite."""
    if isinstance(value, dict | list):
        return all(map(_numbers_fit, value.values() if isinstance(value, dict) else value))
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -MAX_INT <= value < MAX_INT


def _depth(value: Any) -> int:
    """How deep a JSON value is nested, counted no further than one past the limit."""
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        depth += 1
    return depth


def _usage(usage: Any) -> dict[str, Any] | None:
    """The counts, where the two that matter are such; else None, which means not known."""
    if not isinstance(usage, dict) or not all(_is_count(usage.get(name)) for name in COUNTS[:2]):
        return None
    counts: dict[str, Any] = {name: usage[name] for name in COUNTS if _is_count(usage.get(name))}
    for name in DETAILS:
        given = usage.get(name)
        if isinstance(given, dict):
            counts[name] = {key: value for key, value in given.items() if _is_count(value)}
    return {"total_tokens": counts["prompt_tokens"] + counts["completion_tokens"], **counts}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
