"""The meter of one run: reservations of branches side by side, what is counted once, what follows from the state."""

from __future__ import annotations

import asyncio
from typing import Any

from configs.prices import Price, Prices
from graph.state import ModelCall, Role
from nodes.budgets import Amounts
from nodes.meter import CUT_TOKENS, LAST_CALL_TOKENS, MAX_OUTPUT, Allowance, Meter, Request, spent

PRICES = Prices({"m": Price(input=2, output=8, max_output=1000)}, {}, "prices.yaml")


def call(number: int, role: Role, given: int, made: int, **fields: Any) -> ModelCall:
    made_up: ModelCall = {
        "id": str(number), "role": role, "model": "m", "subtask": None, "input_tokens": given, "output_tokens": made,
        "cost_usd": 0.001, "started_at": 0.0, "seconds": 1.0,
    }  # fmt: skip
    return {**made_up, **fields}  # type: ignore[typeddict-item]


def meter(limits: Amounts, *calls: ModelCall) -> Meter:
    return Meter.starting_from(spent(calls, []), limits, PRICES)


def work(tokens: int, model: str = "m") -> Request:
    return Request("executor", model, tokens, last=False)


async def test_a_call_reserves_its_request_and_the_longest_reply_it_may_get() -> None:
    made = meter({"tokens": 3000}, call(1, "planner", 300, 100))
    allowed = await made.admit(work(200))
    kept_back = 300 + 100 + LAST_CALL_TOKENS + CUT_TOKENS + 100
    assert allowed == Allowance({"llm_calls": 1, "tokens": 1000 + 200, "cost": 0.0084}, 1000, None)
    second = await made.admit(work(200))
    assert isinstance(second, Allowance)
    assert (second.cap, second.budget) == (3000 - 400 - 1200 - kept_back - 200, "tokens")


async def test_a_call_waits_for_reservations_and_goes_once_they_turn_out_smaller() -> None:
    made = meter({"tokens": 2400})
    made.branches = 1
    first = await made.admit(work(500))
    assert isinstance(first, Allowance)
    second = asyncio.create_task(made.admit(work(500)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not second.done()
    made.count(call(1, "executor", 500, 20))
    made.settle(first)
    assert isinstance(await second, Allowance)


async def test_a_call_that_waits_ends_when_the_run_does() -> None:
    made = meter({"tokens": 2400})
    first = await made.admit(work(500))
    second = asyncio.create_task(made.admit(work(500)))
    await asyncio.sleep(0)
    assert made.end("seconds")
    assert not made.end("tokens")
    assert await second == "seconds"
    assert isinstance(first, Allowance)


async def test_what_can_never_fit_ends_and_the_last_call_needs_nothing_kept_back() -> None:
    made = meter({"tokens": 1000}, call(1, "planner", 300, 100), call(2, "executor", 300, 50))
    assert await made.admit(work(100)) == "tokens"
    last = await made.admit(Request("planner", "m", 200, last=True))
    assert isinstance(last, Allowance)
    assert last.cap == 1000 - 750 - 200
    assert await made.admit(Request("planner", "m", 300, last=True)) == "tokens"


async def test_the_last_of_the_model_calls_is_kept_for_the_answer() -> None:
    made = meter({"llm_calls": 3}, call(1, "planner", 1, 1))
    assert isinstance(await made.admit(work(1)), Allowance)
    made.count(call(2, "executor", 1, 1))
    made._under_way.clear()
    assert await made.admit(work(1)) == "llm_calls"
    assert isinstance(await made.admit(Request("planner", "m", 1, last=True)), Allowance)


async def test_without_limits_nothing_is_bound_but_an_ended_run_stays_ended() -> None:
    made = meter({})
    assert await made.admit(work(10**9)) == Allowance({})
    made.end("tool_seconds")
    assert await made.admit(work(1)) == Allowance({})
    made.ended = "seconds"
    assert await made.admit(work(1)) == "seconds"


async def test_a_model_without_a_known_limit_is_not_asked_for_more_than_most_take() -> None:
    allowed = await meter({"tokens": 10**7}).admit(work(10, "unknown"))
    assert isinstance(allowed, Allowance)
    assert (allowed.cap, allowed.budget) == (MAX_OUTPUT, None)
    own = await meter({"tokens": 10**7}).admit(Request("executor", "unknown", 10, False, max_output=96))
    assert isinstance(own, Allowance)
    assert own.cap == 96


def test_a_call_counts_once_and_a_state_gives_the_same_meter() -> None:
    calls = [call(1, "planner", 10, 1), *(call(number, "executor", 20, 2) for number in range(2, 8))]
    counted = meter({})
    for each in [*calls, calls[0], calls[3]]:
        counted.count(each)
    known = meter({}, *calls)
    assert counted.spent == known.spent == {"llm_calls": 7, "tokens": 143, "cost": 0.007}
    assert counted.since_plan == known.since_plan == 12
    assert [each["id"] for each in counted.latest] == [each["id"] for each in known.latest] == ["1", "5", "6", "7"]


def test_what_a_provider_does_not_report_is_charged_by_our_own_count() -> None:
    made = meter({"tokens": 1})
    made.count(call(1, "executor", 0, 0, counted_tokens=500, cost_usd=None))
    assert (made.spent["tokens"], made.spent["cost"]) == (500, 0.001)


def test_tool_time_is_summed_over_calls() -> None:
    results: Any = [{"tool_calls": [{"seconds": 1.5}, {"seconds": 0.5}]}, {"tool_calls": [{"seconds": 1.0}, {}]}]
    assert spent([], results)["tool_seconds"] == 3.0
