"""What comes next, from the state alone."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from langgraph.types import Send

from graph.routing import after_plan, after_reflect
from graph.state import State, Subtask, SubtaskResult
from nodes.dependencies import needed, ready
from nodes.round_report import round_report

PLAN: list[Subtask] = [
    {"id": 1, "description": "a", "depends_on": []},
    {"id": 2, "description": "b", "depends_on": []},
    {"id": 3, "description": "c", "depends_on": [1]},
    {"id": 4, "description": "d", "depends_on": [2, 3]},
]


def result(each: int, status: Literal["done", "failed"] = "done") -> SubtaskResult:
    return {"id": each, "description": "", "status": status, "result": f"r{each}", "tool_calls": []}


def state(**values: Any) -> State:
    task = {"id": "t", "question": "q", "conversation": "", "files": [], "started_at": 0.0}
    return {"task": task, "plan": PLAN, "subtasks": [], **values}  # type: ignore[typeddict-item]  # the keys are State's


def started(routed: Any) -> list[int]:
    assert all(isinstance(each, Send) and each.node == "execute" for each in routed)
    return [each.arg["assignment"]["subtask"]["id"] for each in routed]


def test_what_has_no_open_dependency_starts() -> None:
    assert started(after_plan(state())) == [1, 2]
    assert started(after_reflect(state(subtasks=[result(2), result(1)]))) == [3]


def test_a_failure_holds_back_what_depends_on_it_and_nothing_else() -> None:
    assert [each["id"] for each in ready(PLAN, [result(1), result(2, "failed")])] == [3]
    assert after_reflect(state(subtasks=[result(1), result(2, "failed"), result(3)])) == "plan"


def test_the_answer_ends_the_loop() -> None:
    assert after_plan(state(answer="42")) == "reflect"
    assert after_reflect(state(answer="42")) == "write_memory"
    assert after_reflect(state(answer="")) == "write_memory"


def test_a_plan_that_cannot_start_is_reflected_on_and_planned_again() -> None:
    waits: list[Subtask] = [PLAN[0], {"id": 5, "description": "e", "depends_on": [1]}]
    assert after_plan(state(plan=waits, subtasks=[result(1, "failed")])) == "reflect"
    assert after_reflect(state(plan=waits, subtasks=[result(1, "failed")])) == "plan"


@pytest.mark.parametrize("depends_on", [[9], [2]], ids=["unknown", "circle"])
def test_of_an_edited_plan_that_cannot_be_carried_out_nothing_begins(depends_on: list[int]) -> None:
    edited: list[Subtask] = [PLAN[0], {"id": 2, "description": "a", "depends_on": depends_on}]
    assert after_plan(state(plan=edited)) == "reflect", "which refuses it"
    assert after_reflect(state(plan=edited)) == "plan", "which refuses it"


def test_cases_are_looked_for_again_where_the_report_says_so() -> None:
    failed = [result(1, "failed"), result(2)]
    report = round_report(PLAN, failed, None)
    assert after_reflect(state(subtasks=failed, report=report)) == "plan"
    report["retrieve_for"] = [1]
    routed = after_reflect(state(subtasks=failed, report=report, cases=["shown"]))
    assert isinstance(routed, list)
    assert [(each.node, each.arg["again"]["cases"]) for each in routed] == [("retrieve_cases", ["shown"])]
    assert [each["id"] for each in routed[0].arg["again"]["failed"]] == [1]


def test_a_subtask_gets_the_results_it_builds_on_in_the_order_of_the_plan() -> None:
    results = [result(3), result(2), result(1)]
    assert [each["id"] for each in needed(PLAN[3], PLAN, results)] == [1, 2, 3]
    assert [each["id"] for each in needed(PLAN[2], PLAN, results)] == [1]
    assert needed(PLAN[0], PLAN, results) == []
