"""How long an endpoint asks to wait, how many requests it gets at once, and what a completion must be."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any

import pytest

from graph.completion_body import BrokenReply, LastingFault, ServerFault, sound
from graph.pace import Pace
from graph.retry_after import retry_after

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": formatdate(NOW + 60, usegmt=True)}, 60),
        ({"retry-after": formatdate(NOW - 60, usegmt=True)}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9),
    ],
)
def test_the_time_an_endpoint_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


async def test_a_refusal_narrows_and_each_answer_doubles_the_room() -> None:
    pace, inside, most = Pace(), 0, [0]

    async def request(answered: bool = True) -> None:
        nonlocal inside
        async with pace.turn(5):
            inside += 1
            most[-1] = max(most[-1], inside)
            await asyncio.sleep(0.01)
            inside -= 1
            if answered:
                pace.answered()
            else:
                pace.refused(0.05)

    await asyncio.gather(*(request() for _ in range(20)))
    assert most == [20], "nothing is held back before the first refusal"
    await asyncio.gather(*(request(answered=False) for _ in range(20)))
    most.append(0)
    started = time.monotonic()
    first = asyncio.create_task(request())
    others = [asyncio.create_task(request()) for _ in range(7)]
    await first
    assert time.monotonic() - started >= 0.05, "all wait as long as was asked"
    await asyncio.gather(*others)
    assert 1 <= most[-1] <= 5, "one, two, four"
    most.append(0)
    await asyncio.gather(*(request() for _ in range(20)))
    assert most[-1] > 8


async def test_one_that_gives_up_its_turn_leaves_it_to_the_next() -> None:
    pace = Pace()
    async with pace.turn(1):
        pace.refused(0)
        waiting = [asyncio.create_task(_pass(pace)) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
    await asyncio.wait_for(asyncio.gather(*waiting[1:]), 1)
    async with pace.turn(1):
        with pytest.raises(TimeoutError):
            await _pass(pace, 0.01)
            await _pass(pace, 0.01)
            raise AssertionError("there was room for a second one")  # the room is one until an answer came


async def _pass(pace: Pace, seconds: float = 1.0) -> None:
    async with pace.turn(seconds):
        await asyncio.sleep(0)


def read(message: Any, **more: Any) -> Any:
    body = {"choices": [{"message": message, "finish_reason": more.pop("ended", "stop")}], **more}
    return json.loads(sound(json.dumps(body).encode()))


def arguments(given: Any, ended: str = "tool_calls") -> str:
    calls = [{"id": "1", "function": {"name": "f", "arguments": given}}]
    message = read({"tool_calls": calls}, ended=ended)["choices"][0]["message"]
    return str(message["tool_calls"][0]["function"]["arguments"])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ({"a": "é"}, '{"a": "é"}'),
        ("", "{}"),
        (None, "{}"),
        ('{"a": "\\ud800\\u0000"}', '{"a": "\ufffd\ufffd"}'),
    ],
)
def test_usable_arguments_stay(given: Any, text: str) -> None:
    assert arguments(given) == text


@pytest.mark.parametrize("given", ['{"a": NaN}', "[1]", "3", '"x"', '{"a": 1e999}', f'{{"a": {2**63}}}', '{"a"'])
def test_unusable_arguments_cannot_be_read_as_json(given: str) -> None:
    with pytest.raises(ValueError):
        json.loads(arguments(given))


def test_no_arguments_yet_are_not_none() -> None:
    with pytest.raises(ValueError):
        json.loads(arguments("", ended="length"))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", BrokenReply),
        (b"\xff\xfe", BrokenReply),
        (b'{"choices": [', BrokenReply),
        (b'{"a":' * 100_000, BrokenReply),
        (b'{"choices": [{"message": ' + b"[" * 60 + b"]" * 60 + b"}]}", BrokenReply),
        (b" <html>", LastingFault),
        (b"data: {}", LastingFault),
        (b'{"error": {"code": 503}}', ServerFault),
    ],
)
def test_what_is_no_completion(body: bytes, fault: type[Exception]) -> None:
    with pytest.raises(fault):
        sound(body)


def test_a_completion_is_what_everybody_may_rely_on() -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 2}
    reply = read({"role": "x", "content": "a\ud800", "id": "1"}, usage=counts, id=7)
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "a\ufffd", "refusal": None}
    assert reply["usage"] == {**counts, "total_tokens": 3}
    assert reply["id"] == "7"
    assert read({"content": "a"}, usage={"prompt_tokens": True, "completion_tokens": 1})["usage"] is None
