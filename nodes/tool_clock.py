"""The budget of tool time: calls side by side use it up together, and end when nothing is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from configs.errors import BudgetReachedError

T = TypeVar("T")


@dataclass(slots=True)
class ToolClock:
    """Tool time of one run: k calls under way use up k seconds a second.

    Args:
        limit: seconds; None for no budget.
        used: seconds used up before.
    """

    limit: float | None
    used: float
    _under_way: dict[asyncio.Timeout, float | None] = field(default_factory=dict)
    _counted_at: float = 0.0

    async def run(self, call: Callable[[], Awaitable[T]], seconds: float | None) -> T:
        """What a tool call gives.

        Args:
            call: the tool call; it is cancelled when a budget is used up.
            seconds: until the run's own time is over; None without such a budget.

        Raises:
            BudgetReachedError: nothing is left, of tool time or of the run's time; or that came during the call.
        """
        if seconds is None and self.limit is None:
            return await call()
        if seconds is not None and seconds <= 0:
            raise BudgetReachedError("seconds")
        if self.limit is not None and self._count() >= self.limit:
            raise BudgetReachedError("tool_seconds")
        deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
        timeout = asyncio.timeout(None)
        try:
            async with timeout:
                self._enter(timeout, deadline)
                return await call()
        except TimeoutError:
            if not timeout.expired():
                raise
            in_time = deadline is None or asyncio.get_running_loop().time() < deadline
            raise BudgetReachedError("tool_seconds" if in_time else "seconds") from None
        finally:
            self._leave(timeout)

    def _enter(self, timeout: asyncio.Timeout, deadline: float | None) -> None:
        self._count()
        self._under_way[timeout] = deadline
        self._reschedule()

    def _leave(self, timeout: asyncio.Timeout) -> None:
        self._count()
        self._under_way.pop(timeout, None)
        self._reschedule()

    def _count(self) -> float:
        """What was used up until now."""
        now = asyncio.get_running_loop().time()
        self.used += (now - self._counted_at) * len(self._under_way)
        self._counted_at = now
        return self.used

    def _reschedule(self) -> None:
        """Every call ends when, at the pace of all that are under way, the budget is used up."""
        for timeout, deadline in self._under_way.items():
            ends = [] if deadline is None else [deadline]
            if self.limit is not None:
                ends.append(self._counted_at + max(self.limit - self.used, 0.0) / len(self._under_way))
            if ends and not timeout.expired():
                timeout.reschedule(min(ends))
