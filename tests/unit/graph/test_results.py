"""What a run's figures say: sums by role and subtask, unknown costs, and what ended it."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import StateSnapshot

from graph.results import Spending, result_of, usage_of
from graph.state import Ending


def call(role: str, subtask: int | None, cost: float | None) -> Any:
    return {
        "id": f"{role}{subtask}", "role": role, "model": "m", "subtask": subtask, "input_tokens": 10,
        "output_tokens": 2, "cost_usd": cost, "started_at": 0.0, "seconds": 1.0,
    }  # fmt: skip


def test_the_sums_of_a_run_by_role_and_by_subtask() -> None:
    usage = usage_of([call("planner", None, 0.1), call("executor", 1, 0.2), call("executor", 2, None)])
    assert (usage.input_tokens, usage.output_tokens, usage.llm_calls, usage.cost_usd) == (30, 6, 3, None)
    assert usage.by_role == {"planner": Spending(10, 2, 1, 0.1), "executor": Spending(20, 4, 2, None)}
    assert usage.by_subtask == {"1": Spending(10, 2, 1, 0.2), "2": Spending(10, 2, 1, None)}
    assert usage_of([]).cost_usd == 0


@pytest.mark.parametrize(
    ("ending", "ended_by"),
    [
        (None, None),
        ({"cause": "budget", "budget": "tokens", "detail": ""}, "tokens"),
        ({"cause": "loop", "budget": None, "detail": ""}, "loop"),
        ({"cause": "rejected", "budget": None, "detail": ""}, "rejected"),
    ],
)
def test_what_ended_a_run(ending: Ending | None, ended_by: str | None) -> None:
    snapshot = StateSnapshot({"status": "answered", "ending": ending}, (), {}, None, None, None, (), ())
    result = result_of("t", snapshot)
    assert (result.ended_by, result.as_json()["ended_by"]) == (ended_by, ended_by)
