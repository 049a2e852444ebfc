"""What a round gave, as the planner of the next one needs it: judged without a model, from the state alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from graph.state import Judged, Report, Round, Subtask, SubtaskResult
from nodes.contradictions import contradictions, describe_pair
from nodes.outcomes import shorten_line
from nodes.round_loops import find_loop, planned_key

REASON_CHARS = 400
DESCRIPTION_CHARS = 200
MOST_MISSING = 10
MOST_RETRIEVED_FOR = 2


def round_report(plan: Sequence[Subtask], results: Sequence[SubtaskResult], before: Report | None) -> Report:
    """The report on what has been planned and carried out since the report before, None before the first.

    Args:
        plan: the whole plan so far.
        results: of its subtasks, as far as they were carried out.
        before: the report on the round before.
    """
    rounds = before["rounds"] if before else []
    seen = {id_ for each in rounds for id_ in each["ids"]}
    by_id = {result["id"]: result for result in results}
    judged = [_judged(each, by_id, plan) for each in plan if each["id"] not in seen]
    this: Round = {
        "ids": [each["id"] for each in judged if each["id"] in by_id],
        "planned": sorted({planned_key(each["description"]) for each in judged}),
    }
    pairs = [pair for pair in contradictions(plan, results) if set(pair) & set(this["ids"])]
    return {
        "subtasks": judged,
        "contradictions": [describe_pair(pair, results) for pair in pairs],
        "missing": [_missing(each) for each in judged if each["status"] != "done"][:MOST_MISSING],
        "loop": find_loop([*rounds, this], results),
        "lesson": before["lesson"] if before else "",
        "retrieve_for": [],
        "rounds": [*rounds, this],
    }


def went_plainly(report: Report) -> bool:
    """Whether there is nothing to say about a round but its results."""
    done = all(each["status"] == "done" for each in report["subtasks"])
    return done and not report["contradictions"] and not report["loop"]


def is_unclear(report: Report) -> bool:
    """Whether a model is worth asking about a round: something was tried and is not done, or results contradict."""
    return bool(failed_in(report) or report["contradictions"])


def failed_in(report: Report) -> list[int]:
    """The subtasks that were tried and are not done, the first MOST_RETRIEVED_FOR."""
    return [each["id"] for each in report["subtasks"] if each["status"] in ("failed", "partial")][:MOST_RETRIEVED_FOR]


def _judged(subtask: Subtask, by_id: dict[int, SubtaskResult], plan: Sequence[Subtask]) -> Judged:
    result = by_id.get(subtask["id"])
    description = shorten_line(subtask["description"], DESCRIPTION_CHARS)
    if result is None:
        reason = _held_back(subtask, by_id)
        return {"id": subtask["id"], "description": description, "status": "pending", "reason": reason, "evidence": []}
    reason = result.get("reason") or ("" if result["status"] == "done" else result["result"])
    return {
        "id": subtask["id"],
        "description": description,
        "status": result["status"],
        "reason": shorten_line(reason, REASON_CHARS),
        "evidence": result.get("evidence", []),
    }


def _held_back(subtask: Subtask, by_id: dict[int, SubtaskResult]) -> str:
    open_ones = [each for each in subtask["depends_on"] if each not in by_id or by_id[each]["status"] != "done"]
    return f"it needs {', '.join(f'task {each}' for each in open_ones)}, not done" if open_ones else "not carried out"


def _missing(judged: Judged) -> str:
    return f"task {judged['id']} ({judged['description'].rstrip('.')})"
