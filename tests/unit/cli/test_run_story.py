"""A past run told from state and trace, whichever of them there is, and drawn at any width."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from cli.run_notes import Halt, halts
from cli.run_story import Story, story_of, total
from cli.run_tree import run_tree
from cli.symbols import ASCII, UNICODE
from graph.results import Result, RunError, Usage
from tests.snapshots.compare import assert_snapshot

T = 1000.0
CASE: Any = {"id": "3f2a9c1b11223344", "task": "What is 12 times 9?", "answer": "108", "reward": 1, "score": 0.83}


def asked(id_: str, role: str, start: float, subtask: int | None = None, cost: float | None = 0.001) -> dict[str, Any]:
    return {
        "id": id_, "role": role, "model": "openai:gpt-4.1", "subtask": subtask, "input_tokens": 1200,
        "output_tokens": 30, "cost_usd": cost, "started_at": T + start, "seconds": 0.5,
    }  # fmt: skip


def used(id_: str, start: float, result: str, ok: bool = True) -> dict[str, Any]:
    arguments = {"text": "a [bold]long[/bold] \x1b[2Jtext " * 3}
    return {
        "id": id_, "name": "count", "arguments": arguments, "result": result, "ok": ok, "started_at": T + start,
        "seconds": 0.25,
    }  # fmt: skip


def subtask(id_: int, *needs: int) -> dict[str, Any]:
    return {
        "id": id_,
        "description": f"Step {id_} of what is to be done here, in many words",
        "depends_on": list(needs),
    }


STATE: dict[str, Any] = {
    "task": {"id": "task", "question": "How many words, and what is half of it?", "started_at": T},
    "plan": [subtask(1), subtask(2), subtask(4, 1)],
    "subtasks": [
        {**subtask(1), "status": "done", "result": "1776 words were counted", "started_at": T + 0.6, "seconds": 1.3,
         "tool_calls": [used("a", 1.1, "1776")]},
        {**subtask(2), "status": "failed", "result": "", "reason": "there is no text\nat all", "started_at": T + 0.6,
         "seconds": 0.9, "tool_calls": [used("b", 1.1, "no text", ok=False)], "budget": "tool_seconds"},
        {**subtask(4, 1), "status": "partial", "result": "half of it", "reason": "rounded", "started_at": T + 3.1,
         "seconds": 0.6, "tool_calls": []},
    ],
    "model_calls": [
        asked("p1", "planner", 0.1), asked("e1", "executor", 0.6, 1), asked("e2", "executor", 0.6, 2),
        asked("e3", "executor", 1.4, 1), asked("j1", "judge", 2.0), asked("p2", "planner", 2.5),
        asked("e4", "executor", 3.1, 4), asked("p3", "planner", 4.0), asked("j2", "judge", 4.6, cost=None),
    ],
    "report": "2 failed: there is no text",
    "loops": [],
}  # fmt: skip
TRACE: list[dict[str, Any]] = [
    {"type": "task_opened", "at": T, "id": "task", "question": "?"},
    {"type": "plan_made", "at": T + 0.6, "cycle": 1, "subtasks": [subtask(1), subtask(2), subtask(3, 2)]},
    {"type": "subtask_started", "at": T + 0.6, **subtask(1)},
    {"type": "tool_called", "at": T + 1.1, "subtask": 1, "id": "a", "name": "count", "arguments": {}},
    {"type": "tool_called", "at": T + 1.2, "subtask": 1, "id": "z", "name": "count", "arguments": {"cut": "off"}},
    {"type": "run_resumed", "at": T + 1.3},
    {"type": "tool_returned", "at": T + 1.4, "subtask": 1, "id": "a", "name": "count", "result": "1776", "ok": True},
    {"type": "reflected", "by": "rules", "at": T + 2.4, "report": "2 failed: there is no text",
     "loops": ["2 was tried twice"]},
    {"type": "plan_made", "at": T + 3.0, "cycle": 2, "subtasks": [subtask(4, 1)]},
    {"type": "model_failed", "at": T + 3.8, "role": "planner", "model": "openai:gpt-4.1", "subtask": None,
     "started_at": T + 3.75, "seconds": 0.05, "error": "ModelUnavailableError: 503"},
    {"type": "budget_reached", "at": T + 3.9, "budget": "tokens", "spent": 9840.0, "limit": 9000.0},
    {"type": "warned", "at": T + 3.9, "message": "tool server x is not there"},
    {"type": "warned", "at": T + 3.95, "message": "tool server x is not there"},
]  # fmt: skip
RESULT = Result(
    thread_id="t-1", status="answered", answer="888 of them.\nHalf of 1776.", reward=1, reward_source="judge",
    case_id="5d5d5d5d5d5d5d5d", cases_used=[CASE["id"]], cycles=2, plan=[], subtasks=[],
    usage=Usage(10800, 270, 9, None), seconds=5.1, question="How many words, and what is half of it?",
)  # fmt: skip


def test_rounds_subtasks_and_calls_find_their_places() -> None:
    story = story_of(STATE, TRACE)
    assert [[part.id for part in each.parts] for each in story.rounds] == [[1, 2, 3], [4], []]
    assert [[call.id for call in each.asked] for each in story.rounds] == [["p1", "j1"], ["p2"], ["failed-0", "p3"]]
    assert [call.id for call in story.verdict] == ["j2"]
    one, two, dropped = story.rounds[0].parts
    assert ([call.id for call in one.asked], [call.id for call in one.used]) == (["e1", "e3"], ["a", "z"])
    assert [call.ok for call in one.used] == [True, None]
    assert (two.status, two.reason, dropped.status) == ("failed", "there is no text\nat all", "dropped")
    assert story.rounds[0].loops == ["2 was tried twice"]
    assert story.notes == ["budget: tokens: 9,840 of 9,000 used", "warning: tool server x is not there"]
    assert [(halt.reason, halt.at) for halt in story.halts] == [("it was cut off and went on", T + 1.2)]


def test_a_halt_for_a_question_is_no_fault() -> None:
    """A run that waited, was cut off at its work, and was stopped by somebody."""
    told: list[tuple[int, str, dict[str, Any]]] = [
        (0, "task_opened", {}), (1, "approval_requested", {"actions": ["plan"]}),
        (2, "run_ended", {"status": "interrupted"}), (5, "run_resumed", {}),
        (6, "approval_answered", {"decisions": ["approve"]}), (7, "run_resumed", {}),
        (8, "plan_made", {"cycle": 1, "subtasks": []}), (9, "run_ended", {"status": "interrupted"}),
    ]  # fmt: skip
    events = [{"type": kind, "at": T + at, **more} for at, kind, more in told]
    assert halts(events) == [
        Halt("waited", "for a person", T + 2, 3.0),
        Halt("stopped", "it was cut off and went on", T + 6, 1.0),
        Halt("stopped", "interrupted", T + 9),
    ]
    shown = [" ".join(line.split()) for line in drawn(story_of(STATE, events), 120).splitlines()]
    assert "├─ waited for a person +2.00 s 3.00 s" in shown
    assert "├─ stopped: it was cut off and went on +6.00 s 1.00 s" in shown


def test_a_state_alone_tells_the_same_but_for_what_it_does_not_keep() -> None:
    story = story_of(STATE, [])
    assert [[part.id for part in each.parts] for each in story.rounds] == [[1, 2], [4], []]
    assert (story.rounds[1].report, story.traced, story.notes) == ("2 failed: there is no text", False, [])


def test_an_older_versions_state_has_no_times() -> None:
    call = {"id": "p1", "role": "planner", "model": "m", "input_tokens": 10, "output_tokens": 2}
    done = {"id": 1, "description": "x", "status": "done", "result": "1", "tool_calls": [
        {"name": "add", "arguments": {"a": 1}, "result": "1", "ok": True}]}  # fmt: skip
    state = {"task": None, "plan": [subtask(1), subtask(2)], "subtasks": [done], "model_calls": [call]}
    story = story_of(state, [])
    (only,) = story.rounds
    assert [part.status for part in only.parts] == ["done", "pending"]
    assert total(only.asked) == (10, 2, None)
    assert "add(a=1)" in drawn(story, 80)


def test_a_run_that_crashed_before_its_first_result_is_told_by_its_trace() -> None:
    story = story_of({}, [*TRACE[:5], {**asked("p1", "planner", 0.1), "type": "model_called", "at": T + 0.6}])
    (only,) = story.rounds
    assert [part.status for part in only.parts] == ["running", "pending", "pending"]
    assert [call.id for call in only.parts[0].used] == ["a", "z"]
    text = drawn(story, 80, replace(RESULT, status="interrupted", answer=None, reward=None, case_id=None))
    assert "never returned" in text and "running" in text


def test_nothing_is_known_and_nothing_fails() -> None:
    failed = replace(RESULT, status="failed", answer=None, question="", error=RunError("X", "gone"), usage=Usage())
    text = drawn(story_of({}, []), 80, failed)
    assert "error: X: gone" in text


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_tree_fits_its_terminal(width: int) -> None:
    text = drawn(story_of(STATE, TRACE), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text and "[bold]long[/bold]" in text
    assert_snapshot(f"runs/tree-{width}.txt", text)


def test_narrow_and_plain_terminals() -> None:
    narrow = drawn(story_of(STATE, TRACE), 40)
    assert max(map(len, narrow.splitlines())) <= 40
    plain = drawn(story_of(STATE, TRACE), 80, encoding="ascii")
    assert plain.replace("…", "").isascii()


def test_unknown_costs_are_not_nothing() -> None:
    story = story_of(STATE, [])
    assert total(story.rounds[0].asked) == (2400, 60, 0.002)
    assert total(story.verdict)[2] is None
    line = next(each for each in drawn(story, 120).splitlines() if "reward" in each)
    assert line.endswith("unknown")


class Stream(io.StringIO):
    encoding = "utf-8"


def drawn(story: Story, width: int, result: Result = RESULT, encoding: str = "utf-8") -> str:
    stream = Stream()
    stream.encoding = encoding
    signs = UNICODE if encoding == "utf-8" else ASCII
    console = Console(file=stream, width=width, no_color=True, markup=False, emoji=False, highlight=False)
    console.print(run_tree(result, [CASE], story, "2026-01-02T03:04:05", signs))
    return stream.getvalue()
