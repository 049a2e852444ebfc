"""What a run tells while it goes: typed events on LangGraph's `custom` stream, plain JSON, in the order they happen.

Each event carries `at`, when it happened, in seconds since 1970; whoever tells it leaves that to `Running.emit`, which
also masks secrets. The same events are in a run's trace file and become its spans.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from graph.state import ModelCall, Role, ShownCase, Subtask, SubtaskStatus


class Told(TypedDict):
    """What every event has once it was told."""

    at: NotRequired[float]


class TaskOpened(Told):
    """The first event of a run. A run that is resumed tells it no more."""

    type: Literal["task_opened"]
    id: str
    question: str


class CasesRetrieved(Told):
    type: Literal["cases_retrieved"]
    policy: str
    cases: list[ShownCase]


class Remembered(Told):
    """The user stated a standing wish, and it is kept from now on."""

    type: Literal["remembered"]
    note_id: str
    text: str


class PlanMade(Told):
    type: Literal["plan_made"]
    cycle: int
    subtasks: list[Subtask]


class SubtaskStarted(Told):
    type: Literal["subtask_started"]
    id: int
    description: str


class ModelCalled(Told, ModelCall):
    """A model replied. The fields are those of the call."""

    type: Literal["model_called"]


class ModelFailed(Told):
    """A model could not be asked, or its reply was of no use; `error` is the name of the exception and its line."""

    type: Literal["model_failed"]
    role: Role
    model: str
    subtask: int | None
    error: str
    started_at: float
    seconds: float


class ToolCalled(Told):
    type: Literal["tool_called"]
    subtask: int
    id: str
    name: str
    arguments: dict[str, Any]


class ToolProgressed(Told):
    """How far a tool call is, as its server says: `done` of `total`, which is None where it is not known."""

    type: Literal["tool_progressed"]
    subtask: int
    id: str
    name: str
    done: float
    total: float | None
    text: str


class ToolReturned(Told):
    type: Literal["tool_returned"]
    subtask: int
    id: str
    name: str
    result: str
    ok: bool
    seconds: float


class SubtaskFinished(Told):
    type: Literal["subtask_finished"]
    id: int
    status: SubtaskStatus
    result: str
    reason: NotRequired[str]


class Reflected(Told):
    """What a round of subtasks gave beside their results, as the planner reads it; empty where it went plainly.

    `by` says whether a model's view is in it; `loops` what went round in a circle so far, one line a round.
    """

    type: Literal["reflected"]
    by: Literal["rules", "model"]
    report: str
    loops: list[str]


class BudgetReached(Told):
    """The run answers from what is there. `spent` and `limit` are in the budget's own unit."""

    type: Literal["budget_reached"]
    budget: str
    spent: float
    limit: float


class ApprovalRequested(Told):
    """The run waits for a person. `actions` says in short what would be done: the plan, or calls of a subtask."""

    type: Literal["approval_requested"]
    subtask: int | None
    actions: list[str]


class ApprovalAnswered(Told):
    """`decisions` are approve, edit or reject, with the reason where one was given; one for each action."""

    type: Literal["approval_answered"]
    subtask: int | None
    decisions: list[str]


class Answered(Told):
    type: Literal["answered"]
    answer: str


class Rewarded(Told):
    type: Literal["rewarded"]
    reward: int | None
    source: str | None


class CaseWritten(Told):
    type: Literal["case_written"]
    case_id: str


class Warned(Told):
    """Something went wrong that the run survives, such as a tool server that does not start."""

    type: Literal["warned"]
    message: str


class RunResumed(Told):
    """A run goes on after a crash, a failure or an answer; in traces alone."""

    type: Literal["run_resumed"]


class RunEnded(Told):
    """The last event of a run, or of a part of one; in traces alone. `error` is an exception's name and its line."""

    type: Literal["run_ended"]
    status: Literal["answered", "failed", "interrupted"]
    error: str | None


Event: TypeAlias = (
    TaskOpened
    | CasesRetrieved
    | Remembered
    | PlanMade
    | SubtaskStarted
    | ModelCalled
    | ModelFailed
    | ToolCalled
    | ToolProgressed
    | ToolReturned
    | SubtaskFinished
    | Reflected
    | BudgetReached
    | ApprovalRequested
    | ApprovalAnswered
    | Answered
    | Rewarded
    | CaseWritten
    | Warned
    | RunResumed
    | RunEnded
)
