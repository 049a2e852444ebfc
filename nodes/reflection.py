"""What a model is asked about a round that did not go plainly, and what of its reply goes into the report. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graph.state import Judged, Report, SubtaskResult, Task
from nodes.outcomes import shorten_line
from nodes.planner_reply import json_objects
from nodes.prompts import fence, harmless, sections, shorten

QUESTION_CHARS = 8000
RESULT_CHARS = 1500
MOST_SUBTASKS = 20
MOST_SAID = 5
SAID_CHARS = 300
LESSON_CHARS = 400
SAID = ("tasks", "contradictions", "missing", "lesson")

REFLECTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "tasks": {
            "type": "array",
            "maxItems": MOST_SUBTASKS,
            "items": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer"},
                    "status": {"enum": ["done", "partial", "failed"]},
                    "reason": {"type": "string"},
                },
                "required": ["id", "status", "reason"],
                "additionalProperties": False,
            },
        },
        "contradictions": {"type": "array", "maxItems": MOST_SAID, "items": {"type": "string"}},
        "missing": {"type": "array", "maxItems": MOST_SAID, "items": {"type": "string"}},
        "lesson": {"type": "string"},
    },
    "required": list(SAID),
    "additionalProperties": False,
}


def reflection_message(task: Task, report: Report, results: Sequence[SubtaskResult]) -> str:
    """The user message: the question, this round's subtasks with what they gave and why, and what seems wrong.

    Of the subtasks that are not done, and of the others, the first MOST_SUBTASKS are shown.
    """
    by_id = {result["id"]: result for result in results}
    ranked = sorted(report["subtasks"], key=lambda each: each["status"] == "done")[:MOST_SUBTASKS]
    shown = sorted(each["id"] for each in ranked)
    blocks = [_block(each, by_id.get(each["id"])) for each in report["subtasks"] if each["id"] in shown]
    suspected = [f"They may contradict each other: {each}." for each in report["contradictions"]]
    circle = [f"In a circle: {report['loop']}."] if report["loop"] else []
    return sections(
        fence("question", shorten(task["question"], QUESTION_CHARS)),
        fence("report", "\n\n".join([*blocks, *suspected, *circle])),
    )


def with_reflection(report: Report, reply: str) -> Report | None:
    """The report with what the model said in place of what was only found by rules; None if it said nothing of it.

    A model may doubt what an executor calls done; it cannot make a failure good.
    """
    said = next((each for each in json_objects(reply) if any(name in each for name in SAID)), None)
    if said is None:
        return None
    changed: Report = {**report, "subtasks": _rejudged(report["subtasks"], said.get("tasks"))}
    if isinstance(said.get("contradictions"), list):
        changed["contradictions"] = _lines(said["contradictions"])
    if missing := _lines(said.get("missing")):
        changed["missing"] = missing
    if isinstance(said.get("lesson"), str) and said["lesson"].strip():
        changed["lesson"] = shorten_line(harmless(said["lesson"]), LESSON_CHARS)
    return changed


def _block(judged: Judged, result: SubtaskResult | None) -> str:
    lines = [f"Task {judged['id']} ({judged['status']}): {judged['description']}"]
    if result is not None and result["result"].strip():
        lines.append(f"Result: {shorten(result['result'], RESULT_CHARS)}")
    if judged["reason"] and (result is None or judged["reason"] != result["result"]):
        lines.append(f"Reason: {judged['reason']}")
    return "\n".join([*lines, *(f"Evidence: {each}" for each in judged["evidence"])])


def _rejudged(subtasks: Sequence[Judged], said: Any) -> list[Judged]:
    entries = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    by_id = {each["id"]: each for each in entries if isinstance(each.get("id"), int)}
    return [_one(judged, by_id.get(judged["id"], {})) for judged in subtasks]


def _one(judged: Judged, said: dict[str, Any]) -> Judged:
    if judged["status"] == "pending":
        return judged
    changed = judged.copy()
    if judged["status"] == "done" and said.get("status") in ("partial", "failed"):
        changed["status"] = said["status"]
    reason = said.get("reason")
    if changed["status"] != "done" and isinstance(reason, str) and reason.strip():
        changed["reason"] = shorten_line(harmless(reason), SAID_CHARS)
    return changed


def _lines(said: Any) -> list[str]:
    texts = [each for each in said if isinstance(each, str) and each.strip()] if isinstance(said, list) else []
    return [shorten_line(harmless(each), SAID_CHARS) for each in texts[:MOST_SAID]]
