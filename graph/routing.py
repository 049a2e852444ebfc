"""What comes next: pure functions of the state. No node names another; this file and the builder do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from langgraph.types import Send

from graph.state import State, Subtask, SubtaskResult
from nodes.budgets import reached_by
from nodes.execute import Assignment
from nodes.meter import spent


def after_plan(state: State) -> list[Send] | Literal["reflect"]:
    """Carry out what is ready; with an answer, or with nothing that can run, reflect."""
    if state.get("answer") is not None:
        return "reflect"
    return _branches(state) or "reflect"


def after_reflect(state: State) -> list[Send] | Literal["plan", "write_memory"]:
    """After the answer, remember it; else carry out what has become ready; else, or at a budget's end, plan again."""
    if state.get("answer") is not None:
        return "write_memory"
    if reached_by(state.get("subtasks", [])):
        return "plan"
    return _branches(state) or "plan"


def ready(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[Subtask]:
    """The subtasks that have no result yet and whose dependencies are all done, in the order of the plan."""
    tried = {result["id"] for result in results}
    done = {result["id"] for result in results if result["status"] == "done"}
    return [each for each in plan if each["id"] not in tried and set(each["depends_on"]) <= done]


def needed(subtask: Subtask, plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[SubtaskResult]:
    """The results a subtask builds on, directly or through others, in the order of the plan."""
    parents = {each["id"]: each["depends_on"] for each in plan}
    wanted: set[int] = set()
    waiting = list(subtask["depends_on"])
    while waiting:
        each = waiting.pop()
        if each not in wanted:
            wanted.add(each)
            waiting.extend(parents.get(each, []))
    by_id = {result["id"]: result for result in results}
    return [by_id[each["id"]] for each in plan if each["id"] in wanted and each["id"] in by_id]


def _branches(state: State) -> list[Send]:
    plan, results = state.get("plan", []), state.get("subtasks", [])
    return [Send("execute", {"assignment": _assignment(state, subtask)}) for subtask in ready(plan, results)]


def _assignment(state: State, subtask: Subtask) -> Assignment:
    return {
        "task": state["task"],
        "subtask": subtask,
        "needed": needed(subtask, state["plan"], state.get("subtasks", [])),
        "spent": spent(state.get("model_calls", []), state.get("subtasks", []), state.get("active")),
    }
