"""The state behind the progress views."""

from __future__ import annotations

from typing import Any, cast

import pytest

from cli.run_view import RunView, reward_text


def told(*events: dict[str, Any]) -> RunView:
    view = RunView()
    for second, event in enumerate(events):
        view.apply(cast(Any, event), float(second))
    return view


def planned(*ids: int, cycle: int = 1) -> dict[str, Any]:
    subtasks = [{"id": id_, "description": f"step {id_}", "depends_on": []} for id_ in ids]
    return {"type": "plan_made", "cycle": cycle, "subtasks": subtasks}


def test_a_subtask_goes_from_pending_to_done_with_its_times() -> None:
    events = [
        planned(1, 2),
        {"type": "subtask_started", "id": 1, "description": "step 1"},
        {"type": "tool_called", "subtask": 1, "name": "add", "arguments": {"a": 1}},
        {"type": "tool_returned", "subtask": 1, "name": "add", "result": "3", "ok": True},
        {"type": "subtask_finished", "id": 1, "status": "done", "result": "3"},
    ]
    assert told(*events[:1]).items[1].status == "pending"
    assert told(*events[:2]).items[1].status == "running"
    done = told(*events).items[1]
    assert (done.status, done.result, done.started, done.ended) == ("done", "3", 1.0, 4.0)
    assert [(call.name, call.result, call.ok) for call in done.calls] == [("add", "3", True)]
    assert told(*events).items[2].status == "pending"


def test_replanning_drops_what_never_ran_and_keeps_what_did() -> None:
    view = told(
        planned(1, 2),
        {"type": "subtask_started", "id": 1, "description": "step 1"},
        {"type": "subtask_finished", "id": 1, "status": "failed", "result": "no"},
        planned(3, cycle=2),
    )
    assert {id_: item.status for id_, item in view.items.items()} == {1: "failed", 3: "pending"}
    assert view.cycle == 2


def test_two_calls_of_one_tool_get_their_results_in_order() -> None:
    view = told(
        {"type": "subtask_started", "id": 1, "description": "x"},
        {"type": "tool_called", "subtask": 1, "name": "add", "arguments": {"a": 1}},
        {"type": "tool_called", "subtask": 1, "name": "add", "arguments": {"a": 2}},
        {"type": "tool_returned", "subtask": 1, "name": "add", "result": "one", "ok": True},
        {"type": "tool_returned", "subtask": 1, "name": "add", "result": "two", "ok": False},
    )
    assert [(call.result, call.ok) for call in view.items[1].calls] == [("one", True), ("two", False)]


def test_a_resumed_run_may_begin_in_the_middle() -> None:
    view = told({"type": "tool_called", "subtask": 7, "name": "add", "arguments": {}})
    assert view.items[7].status == "running"
    assert view.running()


def test_a_warning_is_kept_once() -> None:
    warning = {"type": "warned", "message": "no server"}
    assert told(warning, warning).warnings == ["no server"]


@pytest.mark.parametrize(
    ("events", "stage"),
    [
        ([], "looking for earlier cases"),
        ([{"type": "cases_retrieved", "policy": "cosine", "cases": []}], "planning"),
        ([{"type": "subtask_started", "id": 1, "description": "x"}], ""),
        (
            [
                {"type": "subtask_started", "id": 1, "description": "x"},
                {"type": "subtask_finished", "id": 1, "status": "done", "result": ""},
            ],
            "looking at the results",
        ),
        ([{"type": "answered", "answer": "4"}], "checking the answer"),
        ([{"type": "rewarded", "reward": 1, "source": "judge"}], "writing the case"),
        ([{"type": "case_written", "case_id": "x"}], ""),
    ],
)
def test_the_stage_says_what_goes_on_where_no_subtask_does(events: list[dict[str, Any]], stage: str) -> None:
    assert told(*events).stage == stage


@pytest.mark.parametrize(
    ("reward", "source", "text"),
    [
        (1, "ground_truth", "right, as the expected answer says"),
        (0, "judge", "wrong, as the judge model says"),
        (1, None, "right"),
        (None, None, "nobody could tell whether it is right"),
    ],
)
def test_reward_text(reward: int | None, source: str | None, text: str) -> None:
    assert reward_text(reward, source) == text
