"""Whether a model call may start: pure decisions on what is used up, promised, wanted and kept back.

Four amounts meet a budget's limit: what was spent; what calls under way may still spend (reserved); what the next call
may spend (wanted); and what the final answer will need (kept back). Since the last three are upper bounds, a run stays
within its limits as long as the sum does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from configs.prices import Price
from graph.context import Knobs
from graph.state import Budget, Ending, SubtaskResult, ToolCallRecord

Amounts: TypeAlias = Mapping[Budget, float]
"""Calls, tokens and US dollars by the budget they count for; what is missing is nothing."""

SLACK = 1e-9
"""Relative; sums of dollars are not exact."""
UNITS: dict[Budget, str] = {
    "cycles": "planning rounds",
    "llm_calls": "model calls",
    "tokens": "tokens",
    "cost": "US dollars",
    "seconds": "seconds",
    "tool_seconds": "seconds of tool time",
}
SINGULAR: dict[Budget, str] = {
    "cycles": "planning round",
    "llm_calls": "model call",
    "tokens": "token",
    "cost": "US dollar",
    "seconds": "second",
    "tool_seconds": "second of tool time",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """go: it fits. wait: only what is reserved is in the way. end: it can never fit; `budget` says which it is."""

    verdict: Literal["go", "wait", "end"]
    budget: Budget | None = None


def decide(limits: Amounts, spent: Amounts, reserved: Amounts, wanted: Amounts, kept_back: Amounts) -> Decision:
    """What becomes of a call that may use up `wanted`. Ending goes before waiting, and the first budget names it."""
    decision = Decision("go")
    for budget, limit in limits.items():
        room = limit * (1 + SLACK) - spent.get(budget, 0) - kept_back.get(budget, 0) - wanted.get(budget, 0)
        if room < 0:
            return Decision("end", budget)
        if room < reserved.get(budget, 0):
            decision = Decision("wait", budget)
    return decision


def output_cap(
    limits: Amounts, taken: Amounts, input_tokens: float, price: Price | None, *, sharers: int, least: int
) -> tuple[int, Budget] | None:
    """How many tokens a reply may have at most, and which budget says so; None where none bounds it.

    Args:
        limits: of the run.
        taken: spent, reserved and kept back together.
        input_tokens: of the request.
        price: of the model; needed for a budget of dollars.
        sharers: calls that want to run side by side; each gets its share of what is left.
        least: what the call gets even if its share is smaller, as far as that is there.
    """
    rooms: list[tuple[float, Budget]] = []
    if "tokens" in limits:
        rooms.append((limits["tokens"] - taken.get("tokens", 0) - input_tokens, "tokens"))
    if "cost" in limits and price is not None and price.output > 0:
        dollars = limits["cost"] - taken.get("cost", 0) - price.cost(input_tokens, 0)
        rooms.append((dollars / price.cost(0, 1), "cost"))
    if not rooms:
        return None
    room, budget = min(rooms)
    return max(int(max(room / max(sharers, 1), min(least, room))), 1), budget


def limits_of(knobs: Knobs) -> dict[Budget, float]:
    """The budgets that are reserved call by call, those that are set."""
    given: dict[Budget, float | None] = {
        "llm_calls": knobs.max_llm_calls,
        "tokens": knobs.max_tokens,
        "cost": knobs.max_cost_usd,
    }
    return {budget: float(limit) for budget, limit in given.items() if limit is not None}


def limit_of(knobs: Knobs, budget: Budget) -> float:
    """The limit of one budget that is set."""
    name = {"cycles": "max_cycles", "cost": "max_cost_usd"}.get(budget, f"max_{budget}")
    return float(getattr(knobs, name))


def budget_ending(knobs: Knobs, budget: Budget) -> Ending:
    """The ending of a run that has reached a budget."""
    limit = f"{limit_of(knobs, budget):,.6f}".rstrip("0").rstrip(".")
    unit = SINGULAR[budget] if limit == "1" else UNITS[budget]
    return {"cause": "budget", "budget": budget, "detail": f"The budget of {limit} {unit} is used up."}


def reached_by(results: Sequence[SubtaskResult] | Sequence[ToolCallRecord]) -> Budget | None:
    """The budget that ended one of these subtasks or tool calls, if one did: then nothing new begins."""
    return next((budget for each in results if (budget := each.get("budget"))), None)
