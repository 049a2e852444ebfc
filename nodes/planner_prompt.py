"""What the planner reads: pure functions from state to text.

A case reads exactly as the task in hand will read once it is done, so that a model which only continues text can
imitate it; the most alike stands last, right before the task.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from graph.state import ShownCase, Subtask, SubtaskResult, Task
from nodes.prompts import fence, harmless, sections, shorten

CASE_CHARS = 3000
RESULT_CHARS = 4000
NOTES_CHARS = 2000


def task_message(
    task: Task,
    cases: Sequence[ShownCase],
    plan: Sequence[Subtask],
    results: Sequence[SubtaskResult],
    files: str = "",
    notes: Sequence[str] = (),
) -> str:
    """The user message: earlier cases, notes, files, the conversation, the question and what was done for it so far."""
    return sections(
        render_cases(cases),
        fence("user_notes", "\n".join(shown_notes(notes))),
        files,
        fence("conversation", task["conversation"]),
        "\n".join([f"Task: {task['question']}", "Reply:", *progress(plan, results)]),
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
    """The retrieved cases, fenced and labelled; empty if there are none."""
    if not cases:
        return ""
    return "\n".join(["Earlier cases:", *(render_case(case) for case in reversed(cases)), "New task:"])


def render_case(case: ShownCase) -> str:
    """One case: the task, the plan, its results, and the answer if it was right."""
    lines = [f"Task: {case['task']}", "Reply:", plan_line(case["plan"])]
    lines += [
        f"{'Failed' if step.get('status') == 'failed' else 'Result'} {step['id']}: {step['result']}"
        for step in case["plan"]
        if step.get("result")
    ]
    if case["reward"] and case["answer"]:
        lines += ["Reply:", json.dumps({"final_answer": case["answer"]}, ensure_ascii=False)]
    if case["lesson"]:
        lines.append(f"Lesson: {case['lesson']}")
    return fence("case" if case["reward"] else "failed_case", shorten("\n".join(lines), CASE_CHARS))


def progress(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> list[str]:
    """The plan so far and what became of each subtask; nothing before the first plan."""
    if not plan:
        return []
    by_id = {result["id"]: result for result in results}
    return [plan_line(plan), *(result_line(each["id"], by_id.get(each["id"])) for each in plan), "Reply:"]


def plan_line(plan: Sequence[Any]) -> str:
    """A plan as the planner writes it, on one line."""
    steps = [{"id": step["id"], "description": step["description"]} for step in plan]
    return json.dumps({"plan": steps}, ensure_ascii=False)


def result_line(number: int, result: SubtaskResult | None) -> str:
    """What became of one subtask."""
    if result is None:
        return f"Result {number}: not carried out"
    text = shorten(harmless(result["result"]), RESULT_CHARS)
    return f"Result {number}: {text}" if result["status"] == "done" else f"Failed {number}: {text}"
