"""The state of one thread: plain JSON values, each with who writes it, and the reducers that merge repeated writes.

A thread holds a conversation. Every human message in it is a task of its own: `retrieve_cases` opens the task and
clears what the one before left behind.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

from configs.errors import BudgetName

Role: TypeAlias = Literal["planner", "executor", "judge"]
Answers: TypeAlias = str | list[str]
Status: TypeAlias = Literal["running", "answered"]
SubtaskStatus: TypeAlias = Literal["done", "failed", "partial"]
Budget: TypeAlias = BudgetName


PAUSE = 1.0
"""Between two nodes of a run at work no more seconds pass than this; in a longer pause the run lay still."""


class Task(TypedDict):
    """What is asked: opened by `retrieve_cases`, read by everyone. `files` are names in the thread's workspace.

    `approval` is the knob as the task was opened with it, and holds to its end, whoever goes on with it: else an answer
    would meet a node that does not ask any more.
    """

    id: str
    question: str
    conversation: str
    files: list[str]
    started_at: float
    approval: NotRequired[str]


class Subtask(TypedDict):
    """One line of the plan; ids are unique within a task, also across replanning."""

    id: int
    description: str
    depends_on: list[int]


class ToolCallRecord(TypedDict):
    """One tool call and what came back, shortened to `result_chars` characters. `started_at` is seconds since 1970.

    `budget` is the one that ended the call or kept it from starting, if one did.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    result: str
    ok: bool
    started_at: float
    seconds: float
    budget: NotRequired[Budget]


class SubtaskResult(TypedDict):
    """What became of one subtask.

    `reason` says why it is not done, `evidence` names the tool calls its result rests on, one line each. `budget` is
    the one that ended it, if one did; `stuck` says that its executor went round in a circle. What is not required is
    absent from the threads of earlier versions.
    """

    id: int
    description: str
    status: SubtaskStatus
    result: str
    reason: NotRequired[str]
    evidence: NotRequired[list[str]]
    budget: NotRequired[Budget | None]
    stuck: NotRequired[bool]
    tool_calls: list[ToolCallRecord]
    started_at: NotRequired[float]
    seconds: NotRequired[float]


class Judged(TypedDict):
    """How one subtask of a round ended; `pending` if it never ran. Its evidence is one line for each tool call."""

    id: int
    description: str
    status: Literal["done", "failed", "partial", "pending"]
    reason: str
    evidence: list[str]


class Round(TypedDict):
    """What tells one round of a run from another: the subtasks carried out, and digests of all that were planned."""

    ids: list[int]
    planned: list[str]


class Report(TypedDict):
    """What the last round gave. `loop` says what went round in a circle in it.

    `lesson` is a model's and stays until another takes its place. Earlier cases are wanted for the subtasks
    `retrieve_for`. `rounds` are all rounds so far, this one last.
    """

    subtasks: list[Judged]
    contradictions: list[str]
    missing: list[str]
    loop: str
    lesson: str
    retrieve_for: list[int]
    rounds: list[Round]


class ShownCase(TypedDict):
    """A case as the planner sees it. `plan` is the carried-out plan in short, `score` what the policy gave it.

    `found_for` is the subtask that had failed when the case was looked for; absent from those of the task itself.
    """

    id: str
    task: str
    plan: list[dict[str, Any]]
    answer: str
    reward: int
    lesson: str
    score: float
    found_for: NotRequired[str]


class ModelCall(TypedDict):
    """One model reply: tokens as the provider reported them, and what they cost; None where no price is known.

    `counted_tokens` is our own approximate count of the request, from which the next requests' sizes are learnt; only
    where a budget needs it. A call that a budget cut short has zero tokens, since nothing was reported.
    """

    id: str
    role: Role
    model: str
    subtask: int | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    counted_tokens: NotRequired[int]
    started_at: float
    seconds: float


class Ending(TypedDict):
    """Why a run stops before the planner is content: it answers from what is known."""

    cause: Literal["budget", "loop", "rejected"]
    budget: Budget | None
    detail: str


class Spent(TypedDict):
    """What a run has used up so far, for the budgets of the branches it sends out.

    `latest` are the last few model calls of each role: from them the next ones are estimated. `since_plan` is the
    output since the planner was last asked: it will read about that much more. `active` as in the state.
    """

    llm_calls: int
    tokens: int
    cost_usd: float
    tool_seconds: float
    active: list[list[float]]
    latest: list[ModelCall]
    since_plan: int


class Claim(TypedDict):
    """Written by `retrieve_cases`: the open task takes the input that came with it and drops an older task's."""

    claimed_by: str


def merge_by_id(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace entries of the same id, add the others, in the order of their first writing. Idempotent."""
    merged = {entry["id"]: entry for entry in [*(old or []), *(new or [])]}
    return list(merged.values())


def merge_in_order(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As `merge_by_id`, in the order of the ids, which number a plan from its start. Idempotent."""
    return sorted(merge_by_id(old, new), key=lambda entry: int(entry["id"]))


def merge_stretches(old: list[list[float]], new: list[list[float]]) -> list[list[float]]:
    """The union of stretches of time, each [from, to], in order; pauses of at most PAUSE seconds are taken in.

    Idempotent, and the order of writing does not matter.
    """
    merged: list[list[float]] = []
    for start, end in sorted([*(old or []), *(new or [])]):
        if merged and start - merged[-1][1] <= PAUSE:
            merged[-1] = [merged[-1][0], max(merged[-1][1], end)]
        else:
            merged.append([start, end])
    return merged


def claim(held: dict[str, Any], new: Any) -> dict[str, Any]:
    """Keep a caller's input until a task claims it; once another task claims it, it is gone. Idempotent.

    `held` is empty, or `{"value": ...}` as it came, or `{"value": ..., "task_id": ...}` once claimed. LangGraph starts
    the channel empty only because `dict` can be called for an initial value.
    """
    if not (isinstance(new, dict) and "claimed_by" in new):
        return {} if new in (None, "", []) else {"value": new}
    if "value" not in held or held.get("task_id", new["claimed_by"]) != new["claimed_by"]:
        return {}
    return {"value": held["value"], "task_id": new["claimed_by"]}


def claimed_by(held: dict[str, Any], task_id: str) -> Any:
    """The input that came with a task, or None: what came with another task is not this one's."""
    return held.get("value") if held.get("task_id", task_id) == task_id else None


class Input(TypedDict, total=False):
    """What a caller sends. The last human message is the task."""

    messages: Annotated[list[AnyMessage], add_messages]
    files: list[str]
    expected_answer: Answers | None


class Output(TypedDict, total=False):
    """What a caller gets back."""

    messages: Annotated[list[AnyMessage], add_messages]
    answer: str | None
    reward: int | None
    case_id: str | None
    plan: list[Subtask]
    subtasks: list[SubtaskResult]


class State(TypedDict, total=False):
    """Everything a checkpoint holds."""

    # with the knob show_steps, retrieve_cases, plan and execute add what nodes.chat_steps makes
    messages: Annotated[list[AnyMessage], add_messages]  # caller; write_memory appends the answer
    files: Annotated[dict[str, Any], claim]  # caller; retrieve_cases claims
    expected_answer: Annotated[dict[str, Any], claim]  # caller; retrieve_cases claims; reflect alone reads it
    task: Task  # retrieve_cases
    cases: list[ShownCase]  # retrieve_cases
    notes: list[str]  # retrieve_cases; the user's standing wishes, oldest first
    episode: dict[str, Any]  # retrieve_cases; what the policy chose from, for the journal
    plan: list[Subtask]  # plan; the whole plan so far, replanned subtasks that never ran dropped
    cycles: int  # plan; rounds of planning spent on this task
    subtasks: Annotated[list[SubtaskResult], merge_in_order]  # execute, one entry a branch
    model_calls: Annotated[list[ModelCall], merge_by_id]  # plan, execute, reflect
    active: Annotated[list[list[float]], merge_stretches]  # all nodes that ask models; when the run was at work
    report: Report | None  # reflect; what the last round gave, for the planner
    loops: list[str]  # reflect; what went round in a circle, one line a round
    ending: Ending | None  # plan or reflect; why the planner must answer now
    answer: str | None  # plan
    reward: int | None  # reflect
    reward_source: str | None  # reflect
    case_id: str | None  # write_memory
    status: Status  # retrieve_cases opens with running; write_memory ends
