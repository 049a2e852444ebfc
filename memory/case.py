"""The case: one finished task with the plan that was carried out and how it ended. Immutable once written."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Reward = Literal[0, 1]
RewardSource = Literal["ground_truth", "verifier", "judge", "person", "import"]


class ToolUse(BaseModel):
    """One tool call of a subtask and what came back, in short."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    result: str = ""
    ok: bool = True


class Step(BaseModel):
    """One subtask of a carried-out plan, and what it gave in short."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: int
    description: str
    depends_on: tuple[int, ...] = ()
    status: Literal["done", "partial", "failed", "pending"] = "pending"
    result: str = ""
    calls: tuple[ToolUse, ...] = ()


class Case(BaseModel):
    """The paper's triplet (state, action, reward), with what is needed to read, judge and trust it.

    `id` is the hash of the normalised task, the plan and the run: writing a case twice is writing it once.
    `run_id` is the task's, `thread_id` the conversation's and `trace_id` the server's for the run, as traces know it.
    `reward` is None when nobody could tell: such a case is kept for the record, never retrieved, never learned from.
    Times are seconds since the epoch, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(min_length=1, max_length=128)
    task: str
    plan: tuple[Step, ...]
    reward: Reward | None
    reward_source: RewardSource | None = None
    answer: str = ""
    lesson: str = ""
    parents: tuple[str, ...] = ()
    namespace: str = "default"
    run_id: str = ""
    thread_id: str = ""
    trace_id: str = ""
    model: str = ""
    prompt_hash: str = ""
    created_at: float = 0.0
    seconds: float = Field(default=0.0, ge=0)
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)


def case_id(task: str, plan: tuple[Step, ...], run_id: str, namespace: str = "default") -> str:
    """The identity of a case: 16 hexadecimal digits of SHA-256 over namespace, normalised task, plan and run."""
    steps: list[Any] = [[step.id, step.description, list(step.depends_on)] for step in plan]
    text = json.dumps([namespace, normalise_task(task), steps, run_id], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_own_id(case: Case) -> Case:
    """The case with the id that its text gives, see `case_id`."""
    return case.model_copy(update={"id": case_id(case.task, case.plan, case.run_id, case.namespace)})


def normalise_task(task: str) -> str:
    """The task as compared for identity: NFKC, case folded, white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", task).casefold().split())


def case_text(task: str, plan: Sequence[Step]) -> str:
    """What a case says, for search by words and for encoders that read cases: the task and the plan's steps."""
    return "\n".join([task, *(step.description for step in plan)])
