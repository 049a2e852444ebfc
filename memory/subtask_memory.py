"""Subtask memory (paper §4.2): how subtasks of successful cases were solved, for an executor that meets the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from memory.case import Case, Step, ToolUse


class SolvedSubtask(BaseModel):
    """A done step with its tool calls, as kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    case_id: str
    description: str
    result: str
    calls: tuple[ToolUse, ...]
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierSubtask:
    """A solved subtask found for a new one.

    `tool_calls` have name, arguments, result and ok; `needed` are the results it built on; `score` is the cosine.
    """

    description: str
    result: str
    tool_calls: list[dict[str, Any]]
    score: float
    case_id: str
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NearSubtask:
    """Where in the bank a solved subtask is, its cosine to a description, and whether its case is trusted."""

    id: str
    cosine: float
    trusted: bool


def subtasks_of(case: Case) -> list[SolvedSubtask]:
    """The steps of a case that teach how: done, and with a result or a tool call to show for it.

    Of steps that share an id, which no planner writes, the first counts: an index takes no id twice.
    """
    first = {step.id: place for place, step in reversed(list(enumerate(case.plan)))}
    return [
        SolvedSubtask(
            id=f"{case.id}:{step.id}",
            case_id=case.id,
            description=step.description,
            result=step.result,
            calls=_way_to(step),
            needed=_needed(step, case),
        )
        for place, step in enumerate(case.plan)
        if first[step.id] == place and step.status == "done" and (step.result or step.calls)
    ]


def found(subtask: SolvedSubtask, score: float) -> EarlierSubtask:
    """The subtask as its reader gets it."""
    calls = [call.model_dump(mode="json") for call in subtask.calls]
    return EarlierSubtask(subtask.description, subtask.result, calls, score, subtask.case_id, subtask.needed)


def _way_to(step: Step) -> tuple[ToolUse, ...]:
    """The calls that worked, up to the one that gave the step's result: what came after it taught nothing."""
    worked = [call for call in step.calls if call.ok]
    for number, call in enumerate(worked, 1):
        if call.result.strip() == step.result.strip():
            return tuple(worked[:number])
    return tuple(worked)


def _needed(step: Step, case: Case) -> tuple[str, ...]:
    """The results the step built on, directly or through others, in the order of the plan."""
    steps = {each.id: each for each in reversed(case.plan)}
    wanted: set[int] = set()
    waiting = list(step.depends_on)
    while waiting:
        number = waiting.pop()
        if number in steps and number not in wanted:
            wanted.add(number)
            waiting.extend(steps[number].depends_on)
    return tuple(each.result for each in case.plan if each.id in wanted)
