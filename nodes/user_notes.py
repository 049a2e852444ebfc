"""The user's standing wishes at the start of a task: those kept so far, and those that the task itself states."""

from __future__ import annotations

from collections.abc import Callable

from configs.errors import CaseBankError, InvalidInputError
from configs.settings import Settings
from graph.events import Event
from memory.standing_wishes import standing_wishes
from memory.user_memory import UserMemory
from nodes.planner_prompt import shown_notes


async def standing_notes(settings: Settings, question: str, emit: Callable[[Event], None]) -> list[str]:
    """The notes the planner sees, oldest first; wishes stated in the question are kept for the tasks after it.

    A wish that cannot be kept is a warning: the task does not depend on it.

    Raises:
        CaseBankError: the notes cannot be read; the task would go against what the user asked for.
    """
    if not settings.user_memory:
        return []
    memory = UserMemory.of(settings)
    notes = [note.text for note in await memory.anotes()]
    for wish in standing_wishes(question):
        try:
            kept = await memory.aadd(wish, "said")
        except (CaseBankError, InvalidInputError) as error:
            emit({"type": "warned", "message": f"not remembered: {error}"})
            continue
        if kept.new:
            emit({"type": "remembered", "note_id": kept.note.id, "text": kept.note.text})
    return shown_notes(notes)
