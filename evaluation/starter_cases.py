"""The starter bank: one hand-written case a family, with the tool calls that an executor can learn from."""

from __future__ import annotations

from typing import Any

from memory.case import Case, Step, ToolUse, case_id

RUN = "starter"


def starter_cases(namespace: str = "default") -> list[Case]:
    """The cases, fresh for a namespace; the same every time."""
    return [
        _case("What is 12 times 34?", [_step("Multiply 12 by 34.", "multiply", {"a": 12, "b": 34}, "408")], namespace),
        _case(
            "4 friends share a bill of 50.8 dollars. What does each friend pay?",
            [_step("Divide 50.8 by 4.", "divide", {"a": 50.8, "b": 4}, "12.7")],
            namespace,
        ),
        _case(
            "How many days are there between 2021-04-12 and 2021-06-03?",
            [
                _step(
                    "Find the days between 2021-04-12 and 2021-06-03.",
                    "days_between",
                    {"start": "2021-04-12", "end": "2021-06-03"},
                    "52",
                )
            ],
            namespace,
        ),
        _case(
            "Which date is 45 days after 2023-07-18?",
            [_step("Add 45 days to 2023-07-18.", "add_days", {"date": "2023-07-18", "days": 45}, "2023-09-01")],
            namespace,
        ),
        _case(
            "Write 'planet' backwards.",
            [_step("Reverse the text 'planet'.", "reverse", {"text": "planet"}, "tenalp")],
            namespace,
        ),
        _case(
            "What weekday was 2022-03-14?",
            [_step("Find the weekday of 2022-03-14.", "weekday", {"date": "2022-03-14"}, "Monday")],
            namespace,
        ),
        _case(
            "On what weekday did 2021-10-08 fall?",
            [_step("Find the weekday of 2021-10-08.", "weekday", {"date": "2021-10-08"}, "Friday")],
            namespace,
        ),
        _case(
            "Add 23 and 15, then multiply the sum by 6.",
            [
                _step("Add 23 and 15.", "add", {"a": 23, "b": 15}, "38"),
                _step("Multiply the result by 6.", "multiply", {"a": 38, "b": 6}, "228"),
            ],
            namespace,
        ),
        _case(
            "Add 31 and 44. Multiply the sum by 3.",
            [
                _step("Add 31 and 44.", "add", {"a": 31, "b": 44}, "75"),
                _step("Multiply the result by 3.", "multiply", {"a": 75, "b": 3}, "225"),
            ],
            namespace,
        ),
    ]


def _step(description: str, tool: str, arguments: dict[str, Any], result: str) -> Step:
    call = ToolUse(name=tool, arguments=arguments, result=result)
    return Step(id=1, description=description, status="done", result=result, calls=(call,))


def _case(task: str, steps: list[Step], namespace: str) -> Case:
    """Number the steps; each waits for the one before it."""
    plan = tuple(
        step.model_copy(update={"id": number, "depends_on": (number - 1,) if number > 1 else ()})
        for number, step in enumerate(steps, 1)
    )
    return Case(
        id=case_id(task, plan, RUN, namespace),
        task=task,
        plan=plan,
        reward=1,
        reward_source="import",
        answer=plan[-1].result,
        namespace=namespace,
        run_id=RUN,
    )
