"""When a subtask's executor is told that it goes round in a circle, and when it is stopped."""

from __future__ import annotations

import pytest

from graph.state import ToolCallRecord
from nodes.repetition import Repetition
from tests.fakes.results import call

A, B, C = call("a", "1", x=1, y=2), call("b", "1"), call("c", "1")
A_TURNED: ToolCallRecord = {**A, "arguments": {"y": 2, "x": 1}}
FAULT = call("a", "no such tool", ok=False)


@pytest.mark.parametrize(
    ("turns", "told", "stuck_at"),
    [
        ([[A], [A], [A]], [2], 3),
        ([[A], [A_TURNED], [A]], [2], 3),
        ([[FAULT], [FAULT], [FAULT]], [2], 3),
        ([[A], [B], [A], [B], [A]], [4], 5),
        ([[A], [A], [B], [B]], [2], 4),
        ([[A, A], [B]], [], None),
        ([[A, B], [B, A], [A]], [2], 3),
        ([[A], [A, B], [B, C]], [], None),
        ([[call("poll", "1")], [call("poll", "2")], [call("poll", "3")], [call("poll", "4")]], [], None),
        ([[call("poll", "1")], [call("poll", "1")], [call("poll", "2")], [call("poll", "3")]], [2], None),
        ([[call("test", "red")], [call("edit", "ok", n=1)], [call("test", "red")], [call("edit", "ok", n=2)],
          [call("test", "red")], [call("edit", "ok", n=3)], [call("test", "red")]], [], None),
        ([[], [], []], [], None),
    ],
)  # fmt: skip
def test_circles(turns: list[list[ToolCallRecord]], told: list[int], stuck_at: int | None) -> None:
    repetition, advised, stopped = Repetition(), [], None
    for number, outcomes in enumerate(turns, 1):
        if repetition.note(outcomes) is not None:
            advised.append(number)
        if repetition.stuck is not None:
            stopped = number
            break
    assert (advised, stopped) == (told, stuck_at)


def test_the_same_outcomes_replayed_give_the_same_advice() -> None:
    first, second = Repetition(), Repetition()
    turns = [[A], [A], [B], [A]]
    assert [first.note(each) for each in turns] == [second.note(each) for each in turns]
    assert first.stuck == second.stuck


def test_what_is_said_names_the_call_in_bounded_words() -> None:
    long = call("read", "r" * 10_000, text="x\n" * 5000)
    repetition = Repetition()
    repetition.note([long])
    advice = repetition.note([long])
    repetition.note([long])
    assert advice is not None
    assert "read" in advice
    assert repetition.stuck is not None
    assert repetition.stuck.startswith("went in a circle: read")
    assert len(advice) < 600
    assert len(repetition.stuck) < 600
