"""From what a planner wrote to a plan or a final answer. Pure: models send fences, preambles and JSON inside prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NoReturn, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from configs.errors import PlanFormatError
from graph.state import Subtask
from nodes.dependencies import circle
from nodes.storable import storable

MARKER = re.compile(r"\**FINAL[ _]ANSWER\**\s*:\s*\**", re.IGNORECASE)
MAX_SUBTASKS = 50
OBJECT_START = re.compile(r'\{(?=\s*["}])')
CUT = "the reply was cut off at its length limit before it was complete; reply more briefly"


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return value


WholeNumber: TypeAlias = Annotated[int, BeforeValidator(_no_truth_value)]


class ProposedSubtask(BaseModel):
    """One line of a plan as the model wrote it."""

    model_config = ConfigDict(coerce_numbers_to_str=True, str_strip_whitespace=True)

    id: WholeNumber
    description: str = Field(min_length=1, max_length=20_000)
    depends_on: list[WholeNumber] | None = None


class ProposedPlan(BaseModel):
    """A plan as the model wrote it; ids are the model's own."""

    plan: list[ProposedSubtask] = Field(min_length=1, max_length=MAX_SUBTASKS)


class FinalAnswer(BaseModel):
    """The answer to the question."""

    model_config = ConfigDict(coerce_numbers_to_str=True, str_strip_whitespace=True)

    final_answer: str = Field(min_length=1)


PlannerReply: TypeAlias = ProposedPlan | FinalAnswer

PLAN_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "plan": {
            "type": "array",
            "minItems": 1,
            "maxItems": 8,
            "items": {
                "type": "object",
                "properties": {"id": {"type": "integer"}, "description": {"type": "string"}},
                "required": ["id", "description"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["plan"],
    "additionalProperties": False,
}
ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"final_answer": {"type": "string"}},
    "required": ["final_answer"],
    "additionalProperties": False,
}
REPLY_SCHEMA: dict[str, Any] = {"anyOf": [PLAN_SCHEMA, ANSWER_SCHEMA]}


def parse_reply(text: str, *, cut: bool = False) -> PlannerReply:
    """Read a planner's reply.

    A JSON object with `plan` or `final_answer` wins, wherever it stands; then what follows `FINAL ANSWER:`. In a reply
    that was cut off, only a whole object counts.

    Raises:
        PlanFormatError: neither is there; the message says what was wrong, in words a model can act on.
    """
    fault = 'the reply holds neither a JSON object with "plan" or "final_answer" nor a line FINAL ANSWER:'
    for found in json_objects(text):
        try:
            if found.get("final_answer") is not None:
                return FinalAnswer.model_validate(found)
            if found.get("plan") is not None:
                return ProposedPlan.model_validate(found)
        except ValidationError as error:
            fault = describe(error)
    if cut:
        raise PlanFormatError(CUT)
    parts = MARKER.split(text, maxsplit=1)
    if len(parts) == 2 and (answer := parts[1].strip().strip("`").strip()):
        return FinalAnswer(final_answer=answer)
    raise PlanFormatError(fault)


def parse_last_reply(text: str, *, cut: bool = False) -> FinalAnswer:
    """Read the reply to the last call, in which plain text is an answer too.

    Raises:
        PlanFormatError: the reply is empty or is yet another plan.
    """
    try:
        reply = parse_reply(text, cut=cut)
    except PlanFormatError:
        if cut or not text.strip() or text.lstrip().startswith(("{", "[", "```")):
            raise
        return FinalAnswer(final_answer=text.strip())
    if isinstance(reply, ProposedPlan):
        raise PlanFormatError("a final answer was asked for, the reply is a plan")
    return reply


def to_subtasks(proposed: ProposedPlan, earlier: Sequence[Subtask]) -> list[Subtask]:
    """Number a plan on after the earlier ones. Without any `depends_on` each subtask waits for the one before it.

    Raises:
        PlanFormatError: an id stands twice, a dependency is unknown, or the dependencies run in a circle.
    """
    ids = [subtask.id for subtask in proposed.plan]
    if len(set(ids)) < len(ids):
        raise PlanFormatError(f"the plan's ids are not unique: {ids}")
    offset = max((subtask["id"] for subtask in earlier), default=0)
    number = {old: offset + position for position, old in enumerate(ids, 1)}
    known = {subtask["id"]: subtask["id"] for subtask in earlier} | number
    if stuck := circle({each.id: set(each.depends_on or []) for each in proposed.plan}):
        raise PlanFormatError(f"the tasks' dependencies run in a circle: {stuck}")
    in_order = all(subtask.depends_on is None for subtask in proposed.plan)
    subtasks: list[Subtask] = []
    for subtask in proposed.plan:
        wanted = subtask.depends_on or []
        if unknown := [each for each in wanted if each not in known]:
            raise PlanFormatError(f"task {subtask.id} depends on {unknown[0]}, which is no task of the plan")
        depends_on = sorted({known[each] for each in wanted})
        if in_order and subtasks:
            depends_on = [subtasks[-1]["id"]]
        subtasks.append({"id": number[subtask.id], "description": subtask.description, "depends_on": depends_on})
    return subtasks


def json_objects(text: str) -> Iterator[dict[str, Any]]:
    """Every outermost JSON object in a text, in order; fences and prose around them do not matter.

    Linear in time: a text that begins object after object and never ends one is given up at some point.
    """
    decoder = json.JSONDecoder(strict=False, parse_constant=_no_number)
    work, position = 8 * len(text) + 1_000_000, 0
    while work > 0 and (start := OBJECT_START.search(text, position)) is not None:
        try:
            value, position = decoder.raw_decode(text, start.start())
            value = storable(value)
        except json.JSONDecodeError as error:
            work -= error.pos - start.start() + error.pos // 64  # what was read, and its lines counted for the message
            position = start.start() + 1
        except (ValueError, RecursionError):  # a number that is none, or of thousands of digits; nested too deeply
            work -= 10_000
            position = start.start() + 1
        else:
            yield value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def describe(error: ValidationError) -> str:
    """The first fault of a validation in one line."""
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place}: {fault['msg']}"
