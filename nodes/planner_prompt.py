"""What the planner reads: pure functions from state to text.

A case reads exactly as the task in hand will read once it is done, so that a model which only continues text can
imitate it; the most alike stands last, right before the task.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from graph.state import Judged, Report, ShownCase, Subtask, SubtaskResult, Task
from nodes.prompts import fence, harmless, sections, shorten
from nodes.round_report import went_plainly

CASE_CHARS = 3000
RESULT_CHARS = 4000
NOTES_CHARS = 2000
REPORT_CHARS = 6000
LABELS = {"done": "Result", "failed": "Failed", "partial": "Partial"}


def task_message(
    task: Task,
    cases: Sequence[ShownCase],
    plan: Sequence[Subtask],
    results: Sequence[SubtaskResult],
    files: str = "",
    notes: Sequence[str] = (),
    report: Report | None = None,
) -> str:
    """The user message: earlier cases, notes, files, the conversation, the question and what was done for it so far.

    The report on the last round stands below the results where the round did not go plainly.
    """
    return sections(
        render_cases(cases),
        fence("user_notes", "\n".join(shown_notes(notes))),
        files,
        fence("conversation", task["conversation"]),
        "\n".join([f"Task: {task['question']}", "Reply:", *progress(plan, results, report)]),
    )


def shown_notes(notes: Sequence[str]) -> list[str]:
    """The newest notes that fit into NOTES_CHARS characters, oldest first."""
    left, shown = NOTES_CHARS, list[str]()
    for note in reversed(notes):
        left -= len(note) + 1
        if left < 0:
            break
        shown.append(note)
    return shown[::-1]


def render_cases(cases: Sequence[ShownCase]) -> str:
    """The retrieved cases, fenced and labelled, those for what failed after the others; empty if there are none."""
    if not cases:
        return ""
    found = {case.get("found_for", ""): None for case in cases}
    lines: list[str] = []
    for reason in sorted(found, key=bool):
        lines.append(f"Earlier cases for what failed ({harmless(reason)}):" if reason else "Earlier cases:")
        lines += [render_case(case) for case in reversed(cases) if case.get("found_for", "") == reason]
    return "\n".join([*lines, "New task:"])


def render_case(case: ShownCase) -> str:
    """One case: the task, the plan, its results, and the answer if it was right."""
    lines = [f"Task: {case['task']}", "Reply:", plan_line(case["plan"])]
    lines += [
        f"{LABELS.get(step.get('status', ''), 'Result')} {step['id']}: {step['result']}"
        for step in case["plan"]
        if step.get("result")
    ]
    if case["reward"] and case["answer"]:
        lines += ["Reply:", json.dumps({"final_answer": case["answer"]}, ensure_ascii=False)]
    if case["lesson"]:
        lines.append(f"Lesson: {case['lesson']}")
    return fence("case" if case["reward"] else "failed_case", shorten("\n".join(lines), CASE_CHARS))


def progress(plan: Sequence[Subtask], results: Sequence[SubtaskResult], report: Report | None = None) -> list[str]:
    """The plan so far, what became of each subtask, and the report on the last; nothing before the first plan."""
    if not plan:
        return []
    by_id = {result["id"]: result for result in results}
    lines = [plan_line(plan), *(result_line(each["id"], by_id.get(each["id"])) for each in plan)]
    return [*lines, *filter(None, [fence("report", render_report(report))]), "Reply:"]


def render_report(report: Report | None) -> str:
    """What a planner must know of a round beside its results; empty where it went plainly."""
    if report is None or went_plainly(report):
        return ""
    lines = [line for each in report["subtasks"] for line in _judged_lines(each, bool(report["contradictions"]))]
    lines += [f"Contradiction: {each}" for each in report["contradictions"]]
    lines += [f"Missing: {each}" for each in report["missing"]]
    if report["loop"]:
        lines.append(f"In a circle: {report['loop']}. Do something else; a second circle ends the task.")
    if report["lesson"]:
        lines.append(f"Lesson: {report['lesson']}")
    return shorten("\n".join(lines), REPORT_CHARS)


def plan_line(plan: Sequence[Any]) -> str:
    """A plan as the planner writes it, on one line."""
    steps = [{"id": step["id"], "description": step["description"]} for step in plan]
    return json.dumps({"plan": steps}, ensure_ascii=False)


def result_line(number: int, result: SubtaskResult | None) -> str:
    """What became of one subtask."""
    if result is None:
        return f"Result {number}: not carried out"
    text = shorten(harmless(result["result"]), RESULT_CHARS)
    reason = harmless(result.get("reason", "")) if result["status"] == "partial" else ""
    return f"{LABELS[result['status']]} {number}: {text}{f' ({shorten(reason, RESULT_CHARS)})' if reason else ''}"


def _judged_lines(judged: Judged, with_evidence: bool) -> list[str]:
    status = "not carried out" if judged["status"] == "pending" else judged["status"]
    open_ = [f"Task {judged['id']} {status}: {judged['reason']}"] if judged["status"] != "done" else []
    shown = judged["evidence"] if open_ or with_evidence else []
    return [*open_, *(f"Task {judged['id']} rests on: {each}" for each in shown)]
