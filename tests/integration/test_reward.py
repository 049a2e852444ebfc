"""How a reward is settled: the expected answer, the judge, or nobody; in the real graph with scripted models."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from graph.api import aask
from nodes.execute import ExecuteInput
from nodes.plan import PlanInput
from nodes.reflect import ReflectInput
from nodes.retrieve_cases import RetrieveInput
from nodes.write_memory import WriteInput
from tests.conftest import SettingsFactory
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import ProviderFault, scripted_services

ANSWER = '{"final_answer": "1776"}'
QUESTION = "What is 48 times 37?"


@pytest.mark.parametrize(
    ("verdict", "expected", "reward", "source"),
    [
        ('{"verdict": "correct", "reason": "same"}', "one thousand seven hundred seventy-six", 1, "judge"),
        ('{"verdict": "incorrect", "reason": "no"}', "1777", 0, "judge"),
        ('{"verdict": "correct", "reason": "known"}', None, 1, "judge"),
        ('{"verdict": "unknown", "reason": "?"}', None, None, None),
        ("no JSON at all", None, None, None),
        (ProviderFault("down"), None, None, None),
        (ProviderFault("down"), "1777", None, None),
    ],
)
async def test_the_judge(
    settings: SettingsFactory, verdict: str | Exception, expected: str | None, reward: int | None, source: str | None
) -> None:
    judge = ScriptedModel([verdict])
    async with scripted_services(settings(), ScriptedModel([ANSWER]), ScriptedModel(), judge) as services:
        result = await aask(QUESTION, expected=expected, services=services)
        found = await services.memory.search(QUESTION, k=4, namespace="default")
    judge.assert_done()
    assert (result.status, result.reward, result.reward_source) == ("answered", reward, source)
    assert len(found) == (0 if reward is None else 1), "a case nobody could judge is never retrieved"


async def test_an_exact_match_needs_no_judge_and_a_miss_without_one_is_wrong(settings: SettingsFactory) -> None:
    planner = ScriptedModel([ANSWER, ANSWER])
    async with scripted_services(settings(judge_model="none"), planner, ScriptedModel()) as services:
        right = await aask(QUESTION, expected=["5", "1,776"], services=services)
        wrong = await aask(QUESTION, expected="1777", services=services)
    assert (right.reward, wrong.reward, wrong.reward_source) == (1, 0, "ground_truth")


async def test_the_expected_answer_is_in_no_prompt_but_the_judges(settings: SettingsFactory) -> None:
    secret = "the-reference-answer"
    planner = ScriptedModel([plan("Multiply 48 by 37."), ANSWER])
    executor = ScriptedModel([calls(("multiply", {"a": 48, "b": 37})), Step("1776", when="^tool: 1776")])
    judge = ScriptedModel(['{"verdict": "incorrect", "reason": ""}'])
    async with scripted_services(settings(), planner, executor, judge) as services:
        await aask(QUESTION, expected=secret, services=services)
    assert secret in judge.requests[0].text
    assert not any(secret in request.text for request in [*planner.requests, *executor.requests])
    readers = [
        each
        for each in (RetrieveInput, PlanInput, ExecuteInput, ReflectInput, WriteInput)
        if "expected_answer" in get_type_hints(each)
    ]
    assert readers == [ReflectInput]
