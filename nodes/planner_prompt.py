"""What the planner reads: pure functions from state to text."""

from __future__ import annotations

import json
from collections.abc import Sequence

from graph.state import ShownCase, Subtask, SubtaskResult, Task
from nodes.prompts import fence, sections, shorten

CASE_CHARS = 3000
RESULT_CHARS = 4000


def task_message(
    task: Task,
    cases: Sequence[ShownCase],
    plan: Sequence[Subtask],
    results: Sequence[SubtaskResult],
    files: str = "",
) -> str:
    """The user message: earlier cases, files, the conversation, the question and what was done for it so far."""
    return sections(
        render_cases(cases),
        files,
        fence("conversation", task["conversation"]),
        f"Task: {task['question']}",
        render_progress(plan, results),
    )


def render_cases(cases: Sequence[ShownCase]) -> str:
    """The retrieved cases, the most alike last, because a model leans on what it read last."""
    return fence("cases", "\n\n".join(render_case(case) for case in reversed(cases)))


def render_case(case: ShownCase) -> str:
    """One case: the task, the plan, and how it ended."""
    plan = [{"id": step["id"], "description": step["description"]} for step in case["plan"]]
    outcome = "success: imitate this plan" if case["reward"] else "failure: avoid this plan"
    lines = [
        f"Outcome: {outcome}",
        f"Task: {case['task']}",
        json.dumps({"plan": plan}, ensure_ascii=False),
        *(f"Result of {step['id']}: {step['result']}" for step in case["plan"] if step.get("result")),
        json.dumps({"final_answer": case["answer"]}, ensure_ascii=False) if case["reward"] and case["answer"] else "",
        f"Lesson: {case['lesson']}" if case["lesson"] else "",
    ]
    return shorten("\n".join(line for line in lines if line), CASE_CHARS)


def render_progress(plan: Sequence[Subtask], results: Sequence[SubtaskResult]) -> str:
    """The plan so far and what became of each subtask; empty before the first plan."""
    if not plan:
        return ""
    by_id = {result["id"]: result for result in results}
    shown = {"plan": [{"id": subtask["id"], "description": subtask["description"]} for subtask in plan]}
    return sections(json.dumps(shown, ensure_ascii=False) + "\n" + "\n".join(_line(each, by_id) for each in plan))


def _line(subtask: Subtask, results: dict[int, SubtaskResult]) -> str:
    result = results.get(subtask["id"])
    if result is None:
        return f"Result of {subtask['id']}: not carried out"
    text = shorten(result["result"], RESULT_CHARS)
    return f"Result of {subtask['id']}: {text}" if result["status"] == "done" else f"Failed {subtask['id']}: {text}"
