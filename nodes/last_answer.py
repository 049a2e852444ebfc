"""The end of a run that a budget cuts short: an answer from less, or put together from the results without a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.state import Ending, ModelCall, Subtask, SubtaskResult, Task
from nodes.prompts import shorten

RESULT_CHARS = 2000
BRIEF_CHARS = 300


def answer_from(plan: Sequence[Subtask], results: Sequence[SubtaskResult], why: str) -> str:
    """What is known, and that it is not the whole.

    Args:
        plan: the whole plan.
        results: of the subtasks that were tried.
        why: why no model answers, as a sentence.
    """
    by_id = {result["id"]: result for result in results}
    lines = [_line(subtask, by_id.get(subtask["id"])) for subtask in plan]
    known = "What is known:\n" + "\n".join(lines) if lines else "Nothing was found out."
    return f"There is no complete answer. {why} {known}"


def why_ended(ending: Ending) -> str:
    """Why a run ends, as a sentence."""
    if ending["cause"] == "budget":
        return ending["detail"]
    said = {"loop": "The run went round in a circle", "rejected": "The plan was rejected"}[ending["cause"]]
    return f"{said}: {ending['detail'].rstrip('.')}."


def cut_short(plan: Sequence[Subtask], results: Sequence[SubtaskResult], calls: Sequence[ModelCall]) -> bool:
    """Whether a planner that had to answer had more to do: a subtask is not done, or it had to be told twice."""
    done = {result["id"] for result in results if result["status"] == "done"}
    return len(calls) > 1 or any(subtask["id"] not in done for subtask in plan)


def in_brief(task: Task, results: Sequence[SubtaskResult]) -> dict[str, Any]:
    """The parts of a planner's state that can be left out or cut where the whole does not fit into a budget."""
    cut = [{**result, "result": shorten(result["result"], BRIEF_CHARS)} for result in results]
    return {
        "task": {**task, "files": [], "conversation": ""},
        "cases": [],
        "notes": [],
        "report": None,
        "subtasks": cut,
    }


def _line(subtask: Subtask, result: SubtaskResult | None) -> str:
    if result is None:
        return f"- {subtask['description']} Not carried out."
    said = shorten(result["result"], RESULT_CHARS)
    status = "" if result["status"] == "done" else f"({result['status']}) "
    return f"- {subtask['description']} {status}{said}"
