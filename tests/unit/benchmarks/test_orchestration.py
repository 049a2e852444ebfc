"""What the benchmark's model says, how its server reads requests, and when a goal counts as met."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from benchmarks.model_server import Connection, completion
from benchmarks.orchestration import Figure, over
from benchmarks.orders import Call, Order, reply_to, tool_call
from tools.servers.datetime import days_between
from tools.servers.numbers import Number
from tools.servers.text import count_words


@pytest.mark.parametrize("parts", [3, 8])
def test_the_made_up_model_answers_as_expected_with_the_real_tools(parts: int) -> None:
    order, results = Order(4711, parts), []
    plan = json.loads(str(reply_to([("system", "s"), ("user", f"Task: {order.question}")], has_tools=False)))["plan"]
    assert [step["id"] for step in plan] == list(range(1, parts + 1))
    assert not any(step["depends_on"] for step in plan)
    for step in plan:
        asked = f"Earlier subtasks:\nSubtask: Part 1 of order 7\nSubtask: {step['description']}"
        call = reply_to([("user", asked)], has_tools=True)
        assert call == tool_call(step["id"], 4711)
        assert isinstance(call, Call)
        results.append(reply_to([("user", asked), ("tool", carried_out(call))], has_tools=True))
    lines = "\n".join(f"Result {number}: {result}" for number, result in enumerate(results, 1))
    answer = reply_to([("user", f"Task: {order.question}\n{lines}")], has_tools=False)
    assert json.loads(str(answer)) == {"final_answer": order.expected}


def carried_out(call: Call) -> str:
    given: dict[str, Any] = call.arguments
    if call.name == "multiply":
        return str(Number(given["a"]) * Number(given["b"]))
    return days_between(**given) if call.name == "days_between" else count_words(**given)


class Written(asyncio.Transport):
    """Keeps what the server writes."""

    def __init__(self) -> None:
        super().__init__()
        self.data = b""

    def write(self, data: Any) -> None:
        self.data += data

    def is_closing(self) -> bool:
        return False


def test_the_server_answers_requests_however_they_are_cut() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": f"Task: {Order(5, 3).question}"}]})
    request = f"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    for cut in (1, 40, len(request) - 1, len(request)):
        connection, transport = Connection(0.0), Written()
        connection.connection_made(transport)
        stream = request * 2
        for start in range(0, len(stream), cut):
            connection.data_received(stream[start : start + cut])
        replies = transport.data.split(b"HTTP/1.1 200 OK\r\n")[1:]
        assert len(replies) == 2
        assert json.loads(replies[0].partition(b"\r\n\r\n")[2]) == completion(json.loads(body))


@pytest.mark.parametrize(
    ("value", "goal", "at_least", "met"),
    [
        (0.04, 0.05, False, True),
        (0.06, 0.05, False, False),
        (21, 20, True, True),
        (19, 20, True, False),
        (9, None, False, True),
    ],
)
def test_a_goal_is_a_bound_on_one_side(value: float, goal: float | None, at_least: bool, met: bool) -> None:
    assert Figure("x", "http", value, "", goal, at_least).met is met


def test_over_is_the_share_beyond_the_path() -> None:
    assert over([2.0, 2.1, 9.0], 2.0) == pytest.approx(0.05)
