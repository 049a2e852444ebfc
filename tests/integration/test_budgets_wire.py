"""Budgets of tokens and dollars through the real OpenAI client: what goes over the wire, and what providers report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.api import aask
from graph.context import Context
from tests.conftest import SettingsFactory
from tests.fakes.endless import ANSWER, LAST_CALL, side_by_side
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import tool_reply

ALLOWED = 1.05
PLANNER = "^system: You plan"


def rules(executor: list[JsonObject], side: int = 3) -> list[JsonObject]:
    """A planner that plans for ever and answers when it is told to."""
    plan = side_by_side(*(f"Add for ever, {number}." for number in range(side)))
    return [
        {"when": f"(?s){PLANNER}.*{LAST_CALL}", "reply": {"content": ANSWER}},
        {"when": PLANNER, "reply": {"content": plan}},
        *executor,
    ]


def adding(padding: str = "", **usage: Any) -> list[JsonObject]:
    """Adds other numbers each time, so that it is no loop; says something with it, so that requests grow."""
    replies = ({**tool_reply(("add", {"a": number, "b": 1})), "content": padding, **usage} for number in range(60))
    return [{"reply": reply, "delay": 0.01, "times": 1} for reply in replies]


def options(settings: SettingsFactory, server: OpenAIServer) -> dict[str, Any]:
    made = settings(openai_base_url=server.url, openai_api_key="sk-test", judge_model="none", max_steps=50)
    return {"settings": made}


@pytest.mark.parametrize(("budget", "limit"), [("max_tokens", 12_000), ("max_cost_usd", 0.05)])
async def test_the_sum_of_what_the_provider_reports_stays_within_the_budget(
    settings: SettingsFactory, budget: str, limit: float
) -> None:
    with OpenAIServer(rules(adding("Going on. " * 20))) as server:
        context = Context(**{budget: limit})
        result = await aask("What is the sum?", **options(settings, server), context=context)
    assert (result.status, result.answer) == ("answered", "as far as it is known")
    assert result.ended_by == {"max_tokens": "tokens", "max_cost_usd": "cost"}[budget]
    used = result.usage.cost_usd if budget == "max_cost_usd" else result.usage.input_tokens + result.usage.output_tokens
    assert used is not None
    assert 0.5 * limit < used <= limit * ALLOWED
    assert all(each.json["max_completion_tokens"] > 0 for each in server.chats)


async def test_a_provider_that_counts_far_more_than_we_do_is_learnt_from(settings: SettingsFactory) -> None:
    """Its tokens are half as long as ours: from the second request of a model on, the estimate is right."""
    heavy = {"prompt_tokens": 3000, "completion_tokens": 30, "total_tokens": 3030}
    with OpenAIServer(rules(adding(usage=heavy), side=1)) as server:
        result = await aask("What is the sum?", **options(settings, server), context=Context(max_tokens=20_000))
    used = result.usage.input_tokens + result.usage.output_tokens
    assert result.ended_by == "tokens"
    assert 10_000 < used <= 20_000 * ALLOWED


async def test_a_reply_that_our_own_bound_cut_ends_the_run(settings: SettingsFactory) -> None:
    with OpenAIServer(rules([{"reply": {"content": "word " * 20_000}}], side=1)) as server:
        result = await aask("What is the sum?", **options(settings, server), context=Context(max_tokens=8000))
    used = result.usage.input_tokens + result.usage.output_tokens
    assert (result.answer, result.ended_by) == ("as far as it is known", "tokens")
    assert 0.8 * 8000 < used <= 8000 * ALLOWED
    assert [(each["status"], each.get("budget")) for each in result.subtasks] == [("partial", "tokens")]


async def test_cached_input_costs_what_the_price_list_says(settings: SettingsFactory) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    cached = {**usage, "prompt_tokens_details": {"cached_tokens": 600}}
    with OpenAIServer([{"reply": {"content": json.dumps({"final_answer": "2"}), "usage": cached}}]) as server:
        result = await aask("1 + 1?", **options(settings, server))
    assert result.usage.cost_usd == pytest.approx((400 * 2 + 600 * 0.5 + 100 * 8) / 1e6)
    assert result.as_json()["usage"]["by_role"]["planner"]["llm_calls"] == 1
    assert "max_completion_tokens" not in server.chats[0].json


async def test_an_unknown_price_is_null(settings: SettingsFactory) -> None:
    with OpenAIServer([{"reply": {"content": ANSWER}}]) as server:
        made = settings(
            openai_base_url=server.url, openai_api_key="sk-test", judge_model="none", planner_model="openai:mine"
        )
        result = await aask("1 + 1?", settings=made)
    assert (result.usage.cost_usd, result.as_json()["ended_by"]) == (None, None)
