"""Notice a subtask that goes round in a circle: the same tool call again, with the same result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graph.state import ToolCallRecord


@dataclass(slots=True)
class Repetition:
    """The calls of one subtask. `stuck` says what went round, once it is clear that nothing new will come of it."""

    stuck: str | None = None

    def note(self, outcomes: Sequence[ToolCallRecord]) -> str | None:
        """Look at the outcomes of one reply; what to tell the model about them, if anything."""
        return None
