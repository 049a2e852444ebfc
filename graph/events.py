"""What a run tells while it goes: typed events on LangGraph's `custom` stream, plain JSON, in the order they happen.

Each event carries `at`, when it happened, in seconds since 1970; whoever tells it leaves that to `Running.emit`.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from typing_extensions import TypedDict

from graph.state import ModelCall, ShownCase, Subtask, SubtaskStatus


class CasesRetrieved(TypedDict):
    type: Literal["cases_retrieved"]
    policy: str
    cases: list[ShownCase]


class Remembered(TypedDict):
    """The user stated a standing wish, and it is kept from now on."""

    type: Literal["remembered"]
    note_id: str
    text: str


class PlanMade(TypedDict):
    type: Literal["plan_made"]
    cycle: int
    subtasks: list[Subtask]


class SubtaskStarted(TypedDict):
    type: Literal["subtask_started"]
    id: int
    description: str


class ModelCalled(ModelCall):
    """A model replied. The fields are those of the call."""

    type: Literal["model_called"]


class ToolCalled(TypedDict):
    type: Literal["tool_called"]
    subtask: int
    id: str
    name: str
    arguments: dict[str, Any]


class ToolReturned(TypedDict):
    type: Literal["tool_returned"]
    subtask: int
    id: str
    name: str
    result: str
    ok: bool
    seconds: float


class SubtaskFinished(TypedDict):
    type: Literal["subtask_finished"]
    id: int
    status: SubtaskStatus
    result: str


class BudgetReached(TypedDict):
    """The run answers from what is there. `spent` and `limit` are in the budget's own unit."""

    type: Literal["budget_reached"]
    budget: str
    spent: float
    limit: float


class Answered(TypedDict):
    type: Literal["answered"]
    answer: str


class Rewarded(TypedDict):
    type: Literal["rewarded"]
    reward: int | None
    source: str | None


class CaseWritten(TypedDict):
    type: Literal["case_written"]
    case_id: str


class Warned(TypedDict):
    """Something went wrong that the run survives, such as a tool server that does not start."""

    type: Literal["warned"]
    message: str


Event: TypeAlias = (
    CasesRetrieved
    | Remembered
    | PlanMade
    | SubtaskStarted
    | ModelCalled
    | ToolCalled
    | ToolReturned
    | SubtaskFinished
    | BudgetReached
    | Answered
    | Rewarded
    | CaseWritten
    | Warned
)
