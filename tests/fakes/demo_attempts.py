"""Made-up results of demo tasks."""

from __future__ import annotations

from evaluation.attempts import Attempt, Comparison
from evaluation.demo_tasks import DemoTask
from graph.results import Result, RunError, Usage
from graph.state import ShownCase, SubtaskResult

SHOWN: ShownCase = {
    "id": "c1",
    "task": "What is 12 times 34?",
    "plan": [{"id": 1, "description": "Multiply 12 by 34."}],
    "answer": "408",
    "reward": 1,
    "lesson": "",
    "score": 0.87,
}


def demo_task(number: int, family: str = "multiplication") -> DemoTask:
    """What is NUMBER times 2?"""
    return DemoTask(family, f"What is {number} times 2?", str(number * 2))


def ended(answer: str | None, *, error: RunError | None = None, planned: bool = True) -> Result:
    """A run with one subtask and one tool call that gave the answer, or a failed one."""
    done: SubtaskResult = {
        "id": 1,
        "description": "Multiply.",
        "status": "done",
        "result": answer or "",
        "tool_calls": [
            {
                "id": "call_1",
                "name": "multiply",
                "arguments": {"a": 2, "b": "<x>"},
                "result": answer or "",
                "ok": True,
                "started_at": 0.0,
                "seconds": 0.1,
            }
        ],
    }
    return Result(
        thread_id="t",
        status="failed" if error else "answered",
        answer=answer,
        reward=None,
        reward_source=None,
        case_id=None,
        cases_used=[],
        cycles=1,
        plan=[{"id": 1, "description": "Multiply.", "depends_on": []}] if planned else [],
        subtasks=[done] if planned else [],
        usage=Usage(),
        seconds=1.0,
        error=error,
    )


def attempt(number: int, *, right: bool, cases: tuple[ShownCase, ...] = (), family: str = "multiplication") -> Attempt:
    """A run of `demo_task(number)`."""
    task = demo_task(number, family)
    return Attempt(task, ended(task.answer if right else "<b>no idea</b>"), cases)


def failed(number: int, kind: str = "PlanFormatError") -> Attempt:
    """A run of `demo_task(number)` that failed."""
    return Attempt(demo_task(number), ended(None, error=RunError(kind, "no plan <here>"), planned=False))


def comparison(none: str, memory: str, block: int = 2) -> Comparison:
    """Runs as marks: `+` right, `-` wrong, `!` failed. The baseline's tasks are the last of the memory run's."""
    first = len(memory) - len(none)
    return Comparison(
        tuple(_marked(mark, number) for number, mark in enumerate(none, first)),
        tuple(_marked(mark, number, (SHOWN,)) for number, mark in enumerate(memory)),
        block,
    )


def _marked(mark: str, number: int, cases: tuple[ShownCase, ...] = ()) -> Attempt:
    return failed(number) if mark == "!" else attempt(number, right=mark == "+", cases=cases)
