"""What one run has used up, counted while its branches go on side by side, and what its calls may still use up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from configs.prices import Price, Prices
from graph.state import Budget, ModelCall, Role, Spent, SubtaskResult
from nodes.budgets import Amounts, Decision, decide, output_cap

LATEST = 3
"""Calls of each role that the next ones are estimated from."""
REPLY_TOKENS = 128
"""Expected of a reply before there was one, and the least a reply is given while work goes on."""
ANSWER_TOKENS = 256
"""Kept back for the final answer before the planner has replied."""
LAST_TOKENS = 16
"""The least that the final answer and the verdict are given."""
LAST_CALL_TOKENS = 100
"""What telling the planner to answer now adds to its request."""
CUT_TOKENS = 100
"""What each subtask that a budget cuts short adds to it, beyond what the executor said before; in brief."""
HEADROOM = 1.25
"""Replies may be this much longer, or take this much longer, than the longest of the latest."""
MAX_OUTPUT = 8192
"""The most asked of a model whose own limit is not known; most take it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A model call that wants to start.

    `input_tokens` is estimated, `max_output` the model's own bound. `last`: nothing need be kept back any more.
    """

    role: Role
    model: str
    input_tokens: float
    last: bool
    max_output: int | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """A call that may start. `cap` bounds its reply; `budget` is what it comes from, None where it is the model's."""

    reserved: Amounts
    cap: int | None = None
    budget: Budget | None = None


@dataclass(slots=True)
class Meter:
    """Model calls of one run, and the budgets that are reserved call by call. Counting a call twice counts it once.

    `branches` is how many subtasks are being carried out. Once `ended` names a budget, no new work starts.
    """

    limits: Amounts
    prices: Prices
    spent: dict[Budget, float]
    latest: list[ModelCall]
    since_plan: int
    branches: int = 0
    ended: Budget | None = None
    _counted: set[str] = field(default_factory=set)
    _under_way: list[Amounts] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def starting_from(cls, spent: Spent, limits: Amounts, prices: Prices) -> Meter:
        """A meter that knows what was used up before."""
        used: dict[Budget, float] = {"llm_calls": spent["llm_calls"], "tokens": spent["tokens"]}
        used["cost"] = spent["cost_usd"]
        return cls(limits, prices, used, list(spent["latest"]), spent["since_plan"])

    def count(self, call: ModelCall) -> None:
        if call["id"] in self._counted:
            return
        self._counted.add(call["id"])
        self.spent["llm_calls"] += 1
        self.spent["tokens"] += tokens_of(call)
        self.spent["cost"] += self._cost_of(call)
        self.since_plan = 0 if call["role"] == "planner" else self.since_plan + call["output_tokens"]
        self.latest = latest_of([*self.latest, call])

    async def admit(self, request: Request) -> Allowance | Budget:
        """Reserve what a call may use up, once it fits; the budget that has no room for it, where it never will.

        Waits while only calls under way are in the way, since most use less than they reserved.
        """
        price, least = self.prices.of(request.model), self._least(request)
        while True:
            if self.ended is not None and self.ended != "tool_seconds" and not request.last:
                return self.ended
            if not self.limits:
                return Allowance({})
            decision = self._decide(request, price, least)
            if decision.verdict == "end" and decision.budget is not None:
                return decision.budget
            if decision.verdict == "go":
                return self._reserve(request, price, least)
            self._changed.clear()
            await self._changed.wait()

    def settle(self, allowance: Allowance) -> None:
        """A call is over; what it used up is counted by `count`."""
        if allowance.reserved:
            self._under_way.remove(allowance.reserved)
        self._changed.set()

    def end(self, budget: Budget) -> bool:
        """From now on no new work starts. Says whether that is new."""
        if self.ended is not None:
            return False
        self.ended = budget
        self._changed.set()
        return True

    def answer_seconds(self) -> float:
        """How long the planner takes to answer, from its latest calls; 0 before there was one."""
        return HEADROOM * max((call["seconds"] for call in self.latest if call["role"] == "planner"), default=0.0)

    def _cost_of(self, call: ModelCall) -> float:
        """What a budget is charged; by our own count where the provider did not report any tokens."""
        price = self.prices.of(call["model"])
        if call["cost_usd"] is not None or price is None:
            return call["cost_usd"] or 0.0
        return price.cost(tokens_of(call), 0)

    def _decide(self, request: Request, price: Price | None, least: int) -> Decision:
        wanted = _amounts(request.input_tokens, least, price)
        return decide(self.limits, self.spent, self._reserved(), wanted, self._kept_back(request))

    def _reserve(self, request: Request, price: Price | None, least: int) -> Allowance:
        taken = _sum([self.spent, self._reserved(), self._kept_back(request)])
        sharers = 1 if request.last else self.branches - len(self._under_way)
        room = output_cap(self.limits, taken, request.input_tokens, price, sharers=sharers, least=least)
        if room is None:
            allowance = Allowance(_amounts(request.input_tokens, 0, price))
        else:
            most = request.max_output or (price.max_output if price is not None else None) or MAX_OUTPUT
            cap = min(room[0], most)
            allowance = Allowance(_amounts(request.input_tokens, cap, price), cap, room[1] if cap < most else None)
        self._under_way.append(allowance.reserved)
        return allowance

    def _reserved(self) -> Amounts:
        return _sum(self._under_way)

    def _kept_back(self, request: Request) -> Amounts:
        """What the final answer will need: the planner's request with what came since, and a reply."""
        if request.last:
            return {}
        planner = [call for call in self.latest if call["role"] == "planner"]
        output = max((call["output_tokens"] for call in planner), default=ANSWER_TOKENS)
        if request.role == "planner" or not planner:
            given, model = request.input_tokens, request.model
        else:
            given = planner[-1]["input_tokens"] + planner[-1]["output_tokens"] + self.since_plan
            given += CUT_TOKENS * max(self.branches, 1)
            model = planner[-1]["model"]
        return _amounts(given + LAST_CALL_TOKENS, output, self.prices.of(model))

    def _least(self, request: Request) -> int:
        if request.last:
            return LAST_TOKENS
        seen = [call["output_tokens"] for call in self.latest if call["role"] == request.role]
        return int(HEADROOM * max(seen)) + 1 if seen else REPLY_TOKENS


def spent(
    calls: Sequence[ModelCall], results: Iterable[SubtaskResult], active: list[list[float]] | None = None
) -> Spent:
    """What a state says was used up."""
    asked = max((index for index, call in enumerate(calls) if call["role"] == "planner"), default=-1)
    return {
        "llm_calls": len(calls),
        "tokens": sum(tokens_of(call) for call in calls),
        "cost_usd": sum(call.get("cost_usd") or 0.0 for call in calls),
        "tool_seconds": sum(call.get("seconds", 0.0) for result in results for call in result["tool_calls"]),
        "active": active or [],
        "latest": latest_of(calls),
        "since_plan": sum(call["output_tokens"] for call in calls[asked + 1 :]),
    }


def tokens_of(call: ModelCall) -> int:
    """Input and output tokens; by our own count where the provider did not report any."""
    return call["input_tokens"] + call["output_tokens"] or call.get("counted_tokens", 0)


def latest_of(calls: Sequence[ModelCall]) -> list[ModelCall]:
    """The last few calls of each role, in their order."""
    roles = {call["role"] for call in calls}
    kept = {call["id"] for role in roles for call in [each for each in calls if each["role"] == role][-LATEST:]}
    return [call for call in calls if call["id"] in kept]


def _amounts(input_tokens: float, output_tokens: float, price: Price | None) -> dict[Budget, float]:
    cost = price.cost(input_tokens, output_tokens) if price is not None else 0.0
    return {"llm_calls": 1, "tokens": input_tokens + output_tokens, "cost": cost}


def _sum(many: Iterable[Amounts]) -> dict[Budget, float]:
    total: dict[Budget, float] = {}
    for amounts in many:
        for budget, amount in amounts.items():
            total[budget] = total.get(budget, 0.0) + amount
    return total
