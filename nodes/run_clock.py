"""How long a run was at work: time in which it lay still, waited for a person or had crashed does not count."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from graph.state import merge_stretches

MARGIN = 0.05
"""Of the limit, kept for our own work after the final answer; at most MARGIN_SECONDS."""
MARGIN_SECONDS = 0.15
WAY_SECONDS = 0.25
"""At least kept for the way from the work that is cut short to the final answer."""
ANSWER_SHARE = 0.25
"""At most this part of the limit is kept for the final answer."""


@dataclass(slots=True, weakref_slot=True)
class RunClock:
    """The stretches of time in which nodes of one run were at work, and the budget of seconds.

    Args:
        limit: seconds; None for no budget.
        before: stretches from earlier, [from, to] in seconds since 1970.
    """

    limit: float | None
    before: list[list[float]]
    nodes: int = 0
    _began: float = field(default=0.0)
    _monotonic: float = field(default=0.0)

    def enter(self) -> None:
        """A node begins its work."""
        if self.nodes == 0:
            self._began, self._monotonic = time.time(), time.monotonic()
        self.nodes += 1

    def leave(self) -> None:
        """A node has ended."""
        self.before = self.stretches()
        self.nodes -= 1

    def add(self, started_at: float, seconds: float) -> None:
        """A step that was done before this process took up the run was work too."""
        self.before = merge_stretches(self.before, [[started_at, started_at + seconds]])

    def stretches(self) -> list[list[float]]:
        """All stretches until now."""
        if self.nodes == 0:
            return self.before
        now = self._began + time.monotonic() - self._monotonic
        return merge_stretches(self.before, [[self._began, now]])

    def seconds(self) -> float:
        """How long the run was at work until now."""
        return seconds_of(self.stretches())

    def left(self, answer_seconds: float | None) -> float | None:
        """Seconds until work must end; None without a budget.

        Args:
            answer_seconds: what the final answer will take; None where it is what is asked for.
        """
        if self.limit is None:
            return None
        margin = min(MARGIN * self.limit, MARGIN_SECONDS)
        if answer_seconds is not None:
            margin += min(max(answer_seconds, WAY_SECONDS), ANSWER_SHARE * self.limit)
        return self.limit - margin - self.seconds()


def seconds_of(stretches: list[list[float]]) -> float:
    """The sum of stretches that do not overlap."""
    return sum(end - start for start, end in stretches)
