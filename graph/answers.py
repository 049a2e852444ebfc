"""What a run waits for, and the answers that let it go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.types import Command, StateSnapshot
from typing_extensions import TypedDict

from configs.errors import InvalidInputError
from nodes.approval_form import read_answer


class Waiting(TypedDict):
    """An open question to a person: `value` is the request as `nodes.approval_form` makes it."""

    id: str
    value: dict[str, Any]


def waiting(snapshot: StateSnapshot) -> list[Waiting]:
    """What a thread waits for at a checkpoint, in the order of the plan."""
    return [{"id": each.id, "value": each.value} for each in snapshot.interrupts]


def command_of(snapshot: StateSnapshot, answers: Mapping[str, Any]) -> Command[Any]:
    """The answers as LangGraph takes them; what is not answered is asked again.

    Args:
        snapshot: the thread's latest checkpoint.
        answers: by the id of what is answered, in either form that `nodes.approval_form` reads.

    Raises:
        InvalidInputError: nothing of that id waits, or an answer is in neither form.
    """
    open_questions = {each["id"]: each["value"] for each in waiting(snapshot)}
    for id_, answer in answers.items():
        if id_ not in open_questions:
            known = ", ".join(open_questions) or "nothing waits"
            raise InvalidInputError(f"nothing with the id {id_!r} waits for an answer ({known})")
        read_answer(open_questions[id_].get("action_requests", []), answer)
    return Command(resume=dict(answers))
