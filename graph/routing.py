"""What comes next: pure functions of the state. No node names another; this file and the builder do."""

from __future__ import annotations

from typing import Literal

from langgraph.types import Send

from graph.state import Judged, State, Subtask
from nodes.budgets import reached_by
from nodes.dependencies import fault_of, needed, ready
from nodes.execute import Assignment
from nodes.meter import spent
from nodes.retrieve_cases import Again


def after_plan(state: State) -> list[Send] | Literal["reflect"]:
    """Carry out what is ready; with an answer, or with nothing that can run, reflect."""
    if state.get("answer") is not None:
        return "reflect"
    return _branches(state) or "reflect"


def after_reflect(state: State) -> list[Send] | Literal["plan", "write_memory"]:
    """After the answer, remember it; else carry out what has become ready; else plan again.

    Where something failed that earlier cases may help with, they are looked for on the way. Once a budget has ended a
    subtask nothing more begins: the planner answers.
    """
    if state.get("answer") is not None:
        return "write_memory"
    if reached_by(state.get("subtasks", [])):
        return "plan"
    if branches := _branches(state):
        return branches
    if failed := _to_look_up(state):
        return [Send("retrieve_cases", {"again": _again(state, failed)})]
    return "plan"


def _branches(state: State) -> list[Send]:
    """What can begin; nothing of a plan that somebody has spoiled, which the next node refuses."""
    plan, results = state.get("plan", []), state.get("subtasks", [])
    if fault_of(plan) is not None:
        return []
    return [Send("execute", {"assignment": _assignment(state, subtask)}) for subtask in ready(plan, results)]


def _assignment(state: State, subtask: Subtask) -> Assignment:
    return {
        "task": state["task"],
        "subtask": subtask,
        "needed": needed(subtask, state["plan"], state.get("subtasks", [])),
        "spent": spent(state.get("model_calls", []), state.get("subtasks", []), state.get("active")),
    }


def _to_look_up(state: State) -> list[Judged]:
    report = state.get("report")
    return [each for each in report["subtasks"] if each["id"] in report["retrieve_for"]] if report else []


def _again(state: State, failed: list[Judged]) -> Again:
    return {
        "task": state["task"],
        "spent": spent(state.get("model_calls", []), state.get("subtasks", []), state.get("active")),
        "failed": failed,
        "cases": state.get("cases", []),
    }
