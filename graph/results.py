"""What `ask` returns and `--json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from langgraph.types import StateSnapshot

from graph.answers import Waiting, waiting
from graph.state import Budget, Ending, ModelCall, Subtask, SubtaskResult


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens and calls. `cost_usd` is None where a price is not known, or the provider did not report the tokens."""

    input_tokens: int = 0
    output_tokens: int = 0
    llm_calls: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Usage(Spending):
    """The spending of one run, also by role (planner, executor, judge) and by the subtask's id as text."""

    by_role: dict[str, Spending] = field(default_factory=dict)
    by_subtask: dict[str, Spending] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed: the name of the exception and its one line."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """One task from question to case.

    `interrupts` is what waits for a person's answer before the run goes on. `ended_by` says why the planner had to
    answer before it was content: a budget's name, `loop` or `rejected`.
    """

    thread_id: str
    status: Literal["answered", "failed", "interrupted"]
    answer: str | None
    reward: int | None
    reward_source: str | None
    case_id: str | None
    cases_used: list[str]
    cycles: int
    plan: list[Subtask]
    subtasks: list[SubtaskResult]
    usage: Usage
    seconds: float
    error: RunError | None = None
    interrupts: list[Waiting] = field(default_factory=list)
    ended_by: Budget | Literal["loop", "rejected"] | None = None
    question: str = field(default="", repr=False)

    def as_json(self) -> dict[str, Any]:
        """The object `--json` prints."""
        values = asdict(self)
        values.pop("question")
        return values


def result_of(
    thread_id: str, snapshot: StateSnapshot, seconds: float | None = None, error: RunError | None = None
) -> Result:
    """Read a thread's latest checkpoint as the result of its last task.

    Args:
        thread_id: of the run.
        snapshot: its latest checkpoint.
        seconds: what the caller measured; by default the time from the task's opening to the checkpoint.
        error: what the caller saw go wrong; by default what the checkpoint says.
    """
    state = snapshot.values
    error = error or _recorded_error(snapshot)
    finished = state.get("status") == "answered" and not snapshot.next
    return Result(
        thread_id=thread_id,
        status="failed" if error is not None else "answered" if finished else "interrupted",
        answer=state.get("answer"),
        reward=state.get("reward"),
        reward_source=state.get("reward_source"),
        case_id=state.get("case_id"),
        cases_used=[case["id"] for case in state.get("cases", [])],
        cycles=state.get("cycles", 0),
        plan=state.get("plan", []),
        subtasks=state.get("subtasks", []),
        usage=usage_of(state.get("model_calls", [])),
        seconds=round(_elapsed(snapshot) if seconds is None else seconds, 3),
        error=error,
        interrupts=waiting(snapshot),
        ended_by=_ended_by(state.get("ending")),
        question=(state.get("task") or {}).get("question", ""),
    )


def _ended_by(ending: Ending | None) -> Budget | Literal["loop", "rejected"] | None:
    if ending is None:
        return None
    return ending["budget"] if ending["cause"] == "budget" else ending["cause"]


def _elapsed(snapshot: StateSnapshot) -> float:
    task = snapshot.values.get("task")
    if not task or not snapshot.created_at:
        return 0.0
    return max(datetime.fromisoformat(snapshot.created_at).timestamp() - float(task["started_at"]), 0.0)


def _recorded_error(snapshot: StateSnapshot) -> RunError | None:
    """A failed node's exception, which a checkpoint keeps as its repr, `Name('message')`. Being stopped is none."""
    for task in snapshot.tasks:
        if task.error is not None:
            name, _, rest = str(task.error).partition("(")
            if name == "CancelledError":
                continue
            return RunError(name, rest.removesuffix(")").strip("'\""))
    return None


def usage_of(calls: Sequence[ModelCall]) -> Usage:
    """The sums over the model calls of a run."""
    roles = dict.fromkeys(call["role"] for call in calls)
    subtasks = dict.fromkeys(subtask for call in calls if (subtask := call.get("subtask")) is not None)
    by_role = {str(role): _spending([call for call in calls if call["role"] == role]) for role in roles}
    by_subtask = {
        str(subtask): _spending([call for call in calls if call.get("subtask") == subtask]) for subtask in subtasks
    }
    total = _spending(calls)
    return Usage(
        total.input_tokens, total.output_tokens, total.llm_calls, total.cost_usd, by_role=by_role, by_subtask=by_subtask
    )


def _spending(calls: Sequence[ModelCall]) -> Spending:
    costs = [call.get("cost_usd") for call in calls]
    known = [cost for cost in costs if cost is not None]
    return Spending(
        input_tokens=sum(call["input_tokens"] for call in calls),
        output_tokens=sum(call["output_tokens"] for call in calls),
        llm_calls=len(calls),
        cost_usd=round(sum(known), 9) if len(known) == len(costs) else None,
    )
