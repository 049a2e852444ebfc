"""What one run has used up, counted while its branches go on side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graph.state import ModelCall, Spent, SubtaskResult


@dataclass(slots=True)
class Meter:
    """Counts model calls and tool time of one run. Counting a call twice counts it once."""

    calls: dict[str, ModelCall] = field(default_factory=dict)
    tool_seconds: float = 0.0

    @classmethod
    def starting_from(cls, spent: Spent) -> Meter:
        """A meter that knows what was used up before."""
        return cls({call["id"]: call for call in spent["model_calls"]}, spent["tool_seconds"])

    def count(self, call: ModelCall) -> None:
        self.calls[call["id"]] = call


def spent(calls: Iterable[ModelCall], results: Iterable[SubtaskResult]) -> Spent:
    """What a state says was used up."""
    seconds = sum(call.get("seconds", 0.0) for result in results for call in result["tool_calls"])
    return {"model_calls": list(calls), "tool_seconds": seconds}
