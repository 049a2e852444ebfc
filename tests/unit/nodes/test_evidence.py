"""Which calls a result rests on."""

from __future__ import annotations

import time

import pytest

from graph.state import ToolCallRecord
from nodes.evidence import LOOKED_AT, MOST, evidence, numbers_in
from tests.fakes.results import call

MULTIPLIED = call("multiply", "1776", a=48, b=37)
ADDED = call("add", "1800", a=1776, b=24)
PAGE = call("read", "Bern is the de facto capital of Switzerland, with 134,591 inhabitants.", url="x")
OTHER = call("read", "Vienna has a large wheel.", url="y")


@pytest.mark.parametrize(
    ("result", "calls", "expected"),
    [
        ("1776", [MULTIPLIED, OTHER], [MULTIPLIED]),
        ("It is 1,776.0 in all.", [MULTIPLIED, OTHER], [MULTIPLIED]),
        ("17760", [MULTIPLIED], []),
        ("1800", [MULTIPLIED, OTHER, ADDED], [MULTIPLIED, ADDED]),
        ("Bern, the capital of Switzerland", [OTHER, PAGE], [PAGE]),
        ("134591", [PAGE, OTHER], [PAGE]),
        ("Vienna", [PAGE, OTHER], [OTHER]),
        ("yes", [call("ask", "Yes")], [call("ask", "Yes")]),
        ("1776", [call("multiply", "1776", ok=False)], []),
        ("1776", [], []),
        ("", [MULTIPLIED, OTHER], []),
        ("42, from memory", [MULTIPLIED, PAGE], []),
    ],
)
def test_evidence(result: str, calls: list[ToolCallRecord], expected: list[ToolCallRecord]) -> None:
    lines = evidence(result, calls)
    assert [line.split(" -> ")[0] for line in lines] == [
        {"multiply": 'multiply {"a": 48, "b": 37}', "add": 'add {"a": 1776, "b": 24}'}.get(
            each["name"],
            f'{each["name"]} {{"url": "{each["arguments"].get("url")}"}}' if each["arguments"] else "ask {}",
        )
        for each in expected
    ]


def test_evidence_is_bounded_and_quick() -> None:
    calls = [call("read", f"{number} " + "word " * 2000, page=number) for number in range(10_000)]
    started = time.perf_counter()
    lines = evidence(" ".join(str(number) for number in range(9_700, 10_000)), calls)
    assert time.perf_counter() - started < 5
    assert len(lines) == MOST
    assert all(len(line) < 600 and "\n" not in line for line in lines)
    assert all(int(line.split('"page": ')[1].split("}")[0]) >= 10_000 - LOOKED_AT for line in lines)


def test_numbers_are_compared_by_value() -> None:
    assert numbers_in("1,776 and 1776.0, -3") == numbers_in("1776; -3.00")
    assert numbers_in("v1.2 a5 3km") == set()
    assert len(numbers_in("2024-02-10")) == 3
