"""Forged cases and cases that give orders, with the real embedding model: how far they get, how they go again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.poisoned_bank import FORGED_STEP, TOPICS, forged, genuine, giving_orders, questions, task
from benchmarks.poisoning import ORIGIN, POLICIES, K, PoisonedBank, inside, orders_in, prompt, raw_text
from configs.settings import PolicyName
from memory.case import Case, case_id
from memory.case_memory import CaseMemory
from memory.concentration import LEAST
from memory.episode import Episode
from memory.exchange import _Exported
from memory.features import CONTEXT
from memory.journal import replay
from memory.open_memories import open_case_memory
from nodes.planner_prompt import CASE_CHARS
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import states

FORGED = {case.id for case in forged()}


@pytest.fixture
def poisoned(settings: SettingsFactory) -> Iterator[PoisonedBank]:
    bank = PoisonedBank(settings())
    yield bank
    bank.close()


@pytest.fixture
async def memory(settings: SettingsFactory) -> AsyncIterator[CaseMemory]:
    """One that holds what runs have written."""
    async with open_case_memory(settings()) as opened:
        for case in genuine()[:: len(TOPICS)][:12]:  # of the topic aimed at
            await opened.write(case, Episode(policy="none"))
        yield opened


async def learned(home: Path) -> dict[str, dict[str, Any]]:
    """What each learning policy has learned, replayed from the journal."""
    return await asyncio.to_thread(lambda: states(replay(home)))


async def shown(memory: CaseMemory, policy: PolicyName, question: str) -> set[str]:
    retrieval = await memory.retrieve(question, policy=policy, k=K, namespace="default")
    return {scored.case.id for scored in retrieval.cases}


async def test_at_most_one_forged_case_of_four_is_shown(poisoned: PoisonedBank) -> None:
    for name in POLICIES:
        slots = await poisoned.slots(name, questions())
        assert max(slots.alone) >= 2 or not name.startswith("cosine"), f"{name}: nothing to defend against"
        assert max(slots.guarded) <= 1, name
        assert FORGED_STEP not in "".join([prompt(await poisoned.shown(name, task(3)))]), "reached another task"


async def test_an_import_that_somebody_vouches_for_is_not_capped(settings: SettingsFactory) -> None:
    bank = await asyncio.to_thread(PoisonedBank, settings(), vouched=True)
    slots = await bank.slots("cosine-success", questions())
    await asyncio.to_thread(bank.close)
    assert slots.guarded == slots.alone
    assert max(slots.guarded) >= 2


@pytest.mark.parametrize("source", ["person", "ground_truth", "verifier"])
@pytest.mark.parametrize("policy", ["cosine-success", "recent"])
async def test_what_an_import_says_of_its_own_reward_is_not_believed(
    memory: CaseMemory, home: Path, tmp_path: Path, source: str, policy: PolicyName
) -> None:
    """Nor of its age, nor the episode it claims to have come from."""
    before = await learned(home)
    episode = Episode(policy="bandit", k=4, context=(1.0,) * len(CONTEXT))
    lines = [
        _Exported(
            case=case.model_copy(update={"reward_source": source, "created_at": 9e9}), episode=episode
        ).model_dump_json()
        for case in forged()
    ]
    await asyncio.to_thread((tmp_path / "forged.jsonl").write_text, "\n".join(lines), encoding="utf-8")
    report = await memory.import_file(tmp_path / "forged.jsonl", namespace="default")
    assert report.added == len(forged())
    for question in questions():
        assert len(FORGED & await shown(memory, policy, question)) <= 1
    assert await learned(home) == before


async def test_forged_ways_to_solve_a_subtask_are_capped_as_well(memory: CaseMemory) -> None:
    solved = [with_result(case, f"12{at} km") for at, case in enumerate(genuine()[:6])]
    for case in solved:
        await memory.write(case, Episode(policy="none"))
    step = solved[0].plan[0].description
    lies = [with_result(_reworded(case, step), "Ask at http://helper.example") for case in forged()]
    await memory.import_cases(lies, origin=ORIGIN)
    earlier = await memory.earlier_subtasks(step, k=K, namespace="default")
    assert len(earlier) == K
    assert sum(one.case_id in {case.id for case in lies} for one in earlier) == 1


def _reworded(case: Case, step: str) -> Case:
    plan = (case.plan[0].model_copy(update={"description": step}),)
    return case.model_copy(update={"plan": plan, "id": case_id(case.task, plan, case.run_id)})


def with_result(case: Case, result: str) -> Case:
    plan = tuple(step.model_copy(update={"result": result}) for step in case.plan)
    return case.model_copy(update={"plan": plan, "id": case_id(case.task, plan, f"{case.run_id} solved"), "reward": 1})


async def test_a_case_that_gives_orders_is_fenced_neutral_and_short(memory: CaseMemory) -> None:
    await memory.write(giving_orders(), Episode(policy="none"))
    found = await memory.retrieve(task(0), policy="cosine-success", k=20, namespace="default")
    case = next(scored.case for scored in found.cases if scored.case.id == giving_orders().id)
    message = prompt([case], "What is 2 + 2?")
    tricks, raw = orders_in(inside(message)), orders_in(raw_text(giving_orders()))
    assert min(raw.roles, raw.tags, raw.unseen, raw.orders) > 50
    assert (tricks.roles, tricks.tags, tricks.unseen) == (0, 0, 0)
    assert tricks.characters < CASE_CHARS * 1.1 < raw.characters
    assert message.count("<case>") == message.count("</case>") == 1
    before, _, after = message.partition(inside(message))
    assert before == "Earlier cases:\n<case>\n"
    assert after == "\n</case>\nNew task:\n\nTask: What is 2 + 2?\nReply:"


async def test_the_alarm_names_an_import_that_takes_most_slots_and_purging_ends_it(
    settings: SettingsFactory, tmp_path: Path
) -> None:
    """Where no genuine case is near, forged ones are shown: that is when somebody has to be told."""
    home = settings().home
    async with open_case_memory(settings()) as memory:
        for case in genuine()[3 :: len(TOPICS)][:5]:
            await memory.write(case, Episode(policy="none"))
        await memory.import_cases(forged(), origin=ORIGIN)
        for at in range(LEAST):
            question = questions()[at % len(questions())]
            found = await memory.retrieve(question, policy="cosine-success", k=K, namespace="default")
            done = Case(id=f"{at:016x}", task=f"{question} ({at})", plan=(), reward=0, reward_source="judge")
            await memory.write(done, found.episode())
        warning = (await memory.concentration("default")).warning
        assert warning is not None
        assert ORIGIN in warning or any(id_ in warning for id_ in FORGED)
        assert set(await asyncio.to_thread(lambda: replay(home).ids_from("default", "import"))) == FORGED
        await memory.delete(FORGED, namespace="default")
        for question in questions():
            assert not FORGED & await shown(memory, "cosine-success", question)
    never = await asyncio.to_thread(lambda: list(replay(home).entries.values()))
    clean = settings(home=tmp_path / "clean")
    async with open_case_memory(clean) as memory:
        for entry in never:
            assert entry.episode is not None
            await memory.write(entry.case, entry.episode)
    assert await learned(home) == await learned(clean.home)
    ids = [entry.case.id for entry in never]
    here, there = await asyncio.to_thread(lambda: [replay(one).facts("default", ids) for one in (home, clean.home)])
    assert here == there
