"""The knobs of one run. Studio shows this model as a form, so every field has a default and a description."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from configs.settings import APPROVAL_FORM, APPROVAL_PATTERN, MODEL_PATTERN, PolicyName, Settings

AS_CONFIGURED = "Empty: as configured."


class Context(BaseModel):
    """What a caller may change for one run. None means: as the process is configured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    planner_model: str | None = Field(
        default=None,
        pattern=MODEL_PATTERN,
        description=f"Model that plans and answers, as provider:name. {AS_CONFIGURED}",
    )
    executor_model: str | None = Field(
        default=None, pattern=MODEL_PATTERN, description=f"Model that uses the tools, as provider:name. {AS_CONFIGURED}"
    )
    judge_model: str | None = Field(
        default=None,
        pattern=rf"{MODEL_PATTERN}|^none$",
        description=f"Model that judges the answer, as provider:name, or none. {AS_CONFIGURED}",
    )
    policy: PolicyName | None = Field(default=None, description=f"Which cases the planner sees. {AS_CONFIGURED}")
    top_k: int | None = Field(
        default=None, ge=0, le=64, description=f"How many cases the planner sees. {AS_CONFIGURED}"
    )
    max_cycles: int | None = Field(
        default=None, ge=1, le=100, description=f"Planning rounds before the planner must answer. {AS_CONFIGURED}"
    )
    max_steps: int | None = Field(
        default=None, ge=1, le=200, description=f"Model replies the executor may spend on one subtask. {AS_CONFIGURED}"
    )
    parallelism: int | None = Field(
        default=None, ge=1, le=64, description=f"How many subtasks are carried out side by side. {AS_CONFIGURED}"
    )
    max_llm_calls: int | None = Field(
        default=None, ge=1, le=100_000, description=f"Budget: model calls of one run. {AS_CONFIGURED}"
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000_000,
        description=f"Budget: input and output tokens of all model calls of one run. {AS_CONFIGURED}",
    )
    max_cost_usd: float | None = Field(
        default=None, gt=0, le=1_000_000, description=f"Budget: US dollars for one run. {AS_CONFIGURED}"
    )
    max_seconds: float | None = Field(
        default=None, gt=0, le=10_000_000, description=f"Budget: seconds for one run. {AS_CONFIGURED}"
    )
    max_tool_seconds: float | None = Field(
        default=None,
        gt=0,
        le=10_000_000,
        description=f"Budget: seconds spent in tool calls by one run, summed over calls side by side. {AS_CONFIGURED}",
    )
    show_steps: bool | None = Field(
        default=None,
        description="Whether the cases, the plan, the tool calls and the subtasks' results become messages of the "
        f"conversation, where chat interfaces show them. {AS_CONFIGURED}",
    )
    approval: str | None = Field(
        default=None,
        pattern=APPROVAL_PATTERN,
        description=f"What waits for a person's approval: {APPROVAL_FORM}. {AS_CONFIGURED}",
    )


class Knobs(BaseModel):
    """A context with nothing left open: what a node reads."""

    model_config = ConfigDict(frozen=True)

    planner_model: str
    executor_model: str
    judge_model: str
    policy: PolicyName
    top_k: int
    max_cycles: int
    max_steps: int
    parallelism: int
    max_llm_calls: int | None
    max_tokens: int | None
    max_cost_usd: float | None
    max_seconds: float | None
    max_tool_seconds: float | None
    approval: str
    show_steps: bool


def resolve(context: Context | None, settings: Settings) -> Knobs:
    """Fill what the caller left open from the settings of the process. A missing context is an empty one."""
    given = context.model_dump(exclude_none=True) if context is not None else {}
    configured = {name: getattr(settings, name) for name in Knobs.model_fields}
    return Knobs(**{**configured, **given})
