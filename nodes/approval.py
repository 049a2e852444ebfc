"""What waits for a person before it happens: plans, tool calls, code."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from langchain_core.tools import BaseTool
from langgraph.config import get_config
from langgraph.types import interrupt
from pydantic import ValidationError

from configs.errors import ConfigurationError, InvalidInputError, PlanFormatError
from graph.events import Event
from graph.state import Subtask
from nodes.approval_form import Action, Decision, approval_request, read_answer
from nodes.planner_reply import ProposedPlan, describe, to_subtasks
from nodes.prompts import shorten
from nodes.running import Running
from nodes.tool_choice import summary
from nodes.tool_requests import ToolRequest

T = TypeVar("T")
PLAN = "plan"
TOLD_CHARS = 500
"""Of the arguments, in an event; the interrupt holds them whole."""
CLASSES = frozenset({PLAN, "code", "side-effects", "tools"})
KIND = "memento/kind"
"""In a tool's `_meta`: `code` says that the tool runs code that it is given."""
CODE_TOOLS = frozenset(
    {"bash", "execute_code", "execute_python", "python", "python_repl", "run_code", "run_python", "run_shell", "shell"}
)


@dataclass(frozen=True, slots=True)
class PlanReview:
    """The plan as it may be carried out; `rejection` is a person's reason, maybe empty, None where there is none."""

    plan: list[Subtask]
    rejection: str | None = None


async def review_calls(
    running: Running, subtask: int, requests: Sequence[ToolRequest], tools: Mapping[str, BaseTool]
) -> list[ToolRequest]:
    """The tool calls of one reply as they may run: as asked for, edited, or refused, with the reason as `fault`.

    Args:
        running: the run.
        subtask: whose calls they are.
        requests: the calls; those that cannot run anyway are not asked about.
        tools: those that may need approval, by name.
    """
    scope = scope_of(running.knobs.approval)
    if not scope:
        return list(requests)
    asked = await _asked_about(running, subtask, requests, tools, scope)
    if not asked:
        return list(requests)
    actions = [call_action(each, subtask, tools.get(each.name)) for each in asked]
    decisions = await decide(running, actions, subtask, lambda given: given)
    reviewed = {each.id: apply_decision(each, one) for each, one in zip(asked, decisions, strict=True)}
    return [reviewed.get(each.id, each) for each in requests]


async def _asked_about(
    running: Running,
    subtask: int,
    requests: Sequence[ToolRequest],
    tools: Mapping[str, BaseTool],
    scope: frozenset[str],
) -> list[ToolRequest]:
    """The calls that wait for a person. Settled once: when the run goes on, a server may say something else."""

    async def settle() -> list[int]:
        return [place for place, each in enumerate(requests) if needs_approval(each, tools, scope)]

    return [requests[place] for place in (await running.steps.keep("review", settle)).value]


async def review_plan(running: Running, plan: Sequence[Subtask], earlier: Sequence[Subtask]) -> PlanReview:
    """The new subtasks as planned, as edited and found sound, or rejected."""
    if PLAN not in scope_of(running.knobs.approval):
        return PlanReview(list(plan))
    action = plan_action(plan)

    def read(decisions: list[Decision]) -> PlanReview:
        (decision,) = decisions
        edited = edited_plan(decision.arguments, earlier) if decision.arguments is not None else list(plan)
        return PlanReview(edited, decision.reason if decision.verdict == "reject" else None)

    return await decide(running, [action], None, read)


async def decide(
    running: Running, actions: Sequence[Action], subtask: int | None, read: Callable[[list[Decision]], T]
) -> T:
    """Interrupt the run until a person has decided; an answer that cannot be used is asked for again, with the reason.

    What was decided is kept as a step: a run that is cut off after it goes on with it and asks nobody again.

    Args:
        running: the run.
        actions: what is to be decided.
        subtask: whose actions they are; None for the plan.
        read: what to make of the decisions; refuses them with InvalidInputError or PlanFormatError.

    Raises:
        ConfigurationError: the run has a `max_concurrency`, under which no step is kept: the node would ask its model
            anew when it goes on, and the answer could meet another call than the one that was shown.
    """
    if get_config().get("max_concurrency"):
        raise ConfigurationError("approval: cannot be asked for under max_concurrency; use parallelism instead")
    described = [
        f"{each['name']} {shorten(json.dumps(each['args'], ensure_ascii=False), TOLD_CHARS)}" for each in actions
    ]
    await _told(running, {"type": "approval_requested", "subtask": subtask, "actions": described})

    async def ask() -> list[dict[str, Any]]:
        fault = ""
        while True:
            answer = interrupt(approval_request(actions, fault))
            try:
                decisions = read_answer(actions, answer)
                read(decisions)
            except (InvalidInputError, PlanFormatError) as error:
                fault = f"The answer was not used: {error}"
                continue
            spoken = [_spoken(each) for each in decisions]
            running.emit({"type": "approval_answered", "subtask": subtask, "decisions": spoken})
            return [asdict(each) for each in decisions]

    given = (await running.steps.keep("review", ask)).value
    return read([Decision(**each) for each in given])


def scope_of(approval: str) -> frozenset[str]:
    """What the knob `approval` names; nothing for `none`."""
    return frozenset(word.strip() for word in approval.split(",")) - {"none", ""}


def check_names(approval: str, tools: Collection[str]) -> None:
    """A name that no tool has would be a call that nobody is asked about.

    Raises:
        ConfigurationError: `approval` names what is neither a tool nor a class of tools.
    """
    unknown = sorted(scope_of(approval) - CLASSES - set(tools))
    if unknown:
        known = ", ".join(sorted(tools)) or "none"
        raise ConfigurationError(f"approval: there is no tool {unknown[0]!r}; the tools are: {known}")


def has_side_effects(tool: BaseTool) -> bool:
    """Whether a call may change something: whatever its server does not say to only read."""
    return (tool.metadata or {}).get("readOnlyHint") is not True


def runs_code(tool: BaseTool) -> bool:
    """Whether the tool runs code it is given, by what its server says or by a well-known name."""
    metadata = tool.metadata or {}
    meta = metadata.get("_meta")
    said = meta.get(KIND) if isinstance(meta, Mapping) else None
    return said == "code" or metadata.get("tool", tool.name) in CODE_TOOLS or tool.name in CODE_TOOLS


def call_action(request: ToolRequest, subtask: int, tool: BaseTool | None) -> Action:
    """A tool call as a person is shown it; `tool` is None where its server is not there any more."""
    description = f"Subtask {subtask} calls {request.name}. {summary(tool) if tool is not None else ''}".strip()
    return {"name": request.name, "args": request.arguments, "description": description}


def plan_action(plan: Sequence[Subtask]) -> Action:
    """A plan as a person is shown it."""
    return {"name": PLAN, "args": {"plan": list(plan)}, "description": "The plan that is to be carried out."}


def edited_plan(arguments: dict[str, Any], earlier: Sequence[Subtask]) -> list[Subtask]:
    """A person's plan, held to the same rules as a planner's.

    Raises:
        InvalidInputError: it is no plan.
        PlanFormatError: it cannot be carried out.
    """
    try:
        return to_subtasks(ProposedPlan.model_validate(arguments), earlier)
    except ValidationError as error:
        raise InvalidInputError(describe(error)) from error


def apply_decision(request: ToolRequest, decision: Decision) -> ToolRequest:
    """The call as it may run; what was decided is told to the model with the outcome."""
    if decision.verdict == "reject":
        said = f"a person rejected this call: {decision.reason}" if decision.reason else "a person rejected this call"
        return replace(request, fault=said)
    if decision.arguments is None or decision.arguments == request.arguments:
        return request
    changed = json.dumps(decision.arguments, ensure_ascii=False)
    return replace(request, arguments=decision.arguments, note=f"A person changed the arguments to {changed}.")


def needs_approval(request: ToolRequest, tools: Mapping[str, BaseTool], scope: frozenset[str]) -> bool:
    """Whether a call falls under what `approval` names; what cannot run anyway does not."""
    tool = tools.get(request.name)
    if tool is None or request.fault is not None:
        return False
    return bool(
        scope & {"tools", tool.name}
        or ("code" in scope and runs_code(tool))
        or ("side-effects" in scope and has_side_effects(tool))
    )


async def _told(running: Running, event: Event) -> None:
    """Tell an event once: a node that runs again finds the step done."""

    async def tell() -> None:
        running.emit(event)

    await running.steps.keep("review", tell)


def _spoken(decision: Decision) -> str:
    return f"{decision.verdict}: {decision.reason}" if decision.reason else decision.verdict
