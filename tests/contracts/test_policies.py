"""What every case policy must do, over the real bank; and what sets each apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from configs.errors import InvalidInputError
from configs.settings import PolicyName
from memory.candidates import Found
from memory.case import Case, Reward, Step, case_id
from memory.case_memory import CaseMemory
from memory.embedding import normalised
from memory.episode import Episode, Ranked, Shown, pack
from memory.features import Match, describe
from memory.journal import replay
from memory.learner import Learner
from memory.ledger import Ledger
from memory.open_memories import open_case_memory
from memory.policies.base import Candidate, CasePolicy, PolicyOptions, Query
from memory.policies.registry import POLICIES, make_policy
from tests.conftest import SettingsFactory

NAMES: tuple[PolicyName, ...] = get_args(PolicyName)
SEED = 7
TASK = "What is the capital of Sweden?"


def case(task: str, reward: Reward | None, at: float = 0.0) -> Case:
    plan = (Step(id=1, description=f"Look up: {task}", status="done"),)
    return Case(id=case_id(task, plan, ""), task=task, plan=plan, reward=reward, created_at=at)


BANK = [
    case("What is the capital of Norway?", 1, 1),
    case("What is the capital of Denmark?", 0, 2),
    case("How many legs does a spider have?", 1, 3),
    case("Who painted the Mona Lisa?", 1, 4),
    case("What is the capital of Finland?", None, 5),
    case("瑞典的首都是哪里? 🇸🇪", 1, 6),
]
KNOWN = {one.id for one in BANK if one.reward is not None}


@pytest.fixture
async def memory(settings: SettingsFactory) -> AsyncIterator[CaseMemory]:
    async with open_case_memory(settings(seed=SEED)) as opened:
        yield opened


async def shown(memory: CaseMemory, policy: PolicyName, k: int, task: str = TASK) -> list[Case]:
    retrieval = await memory.retrieve(task, policy=policy, k=k, namespace="default")
    return [scored.case for scored in retrieval.cases]


def test_registry_holds_exactly_the_configurable_policies() -> None:
    assert set(POLICIES) == set(NAMES)
    assert all(make_policy(name, PolicyOptions(0)).name == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
async def test_empty_bank_shows_nothing(memory: CaseMemory, name: PolicyName) -> None:
    retrieval = await memory.retrieve(TASK, policy=name, k=4, namespace="default")
    assert (retrieval.cases, retrieval.bank_size, retrieval.policy) == ([], 0, name)


@pytest.mark.parametrize("name", NAMES)
async def test_bank_of_one_with_large_k(memory: CaseMemory, name: PolicyName) -> None:
    await memory.import_cases(BANK[:1])
    assert await shown(memory, name, 64) == ([] if name == "none" else BANK[:1])


@pytest.mark.parametrize("name", NAMES)
async def test_only_failures(memory: CaseMemory, name: PolicyName) -> None:
    await memory.import_cases([BANK[1]])
    assert await shown(memory, name, 4) == ([] if name in ("none", "cosine-success") else [BANK[1]])


@pytest.mark.parametrize("name", NAMES)
async def test_k_bounds_the_slate_of_distinct_known_cases(memory: CaseMemory, name: PolicyName) -> None:
    await memory.import_cases(BANK)
    for k in (0, 1, 3, 64):
        ids = [one.id for one in await shown(memory, name, k)]
        assert len(ids) <= k
        assert len(set(ids)) == len(ids)
        assert set(ids) <= KNOWN, "a case without a reward was shown"


@pytest.mark.parametrize("name", NAMES)
async def test_same_seed_same_slate_also_after_reopening(settings: SettingsFactory, name: PolicyName) -> None:
    slates = []
    for _ in range(2):
        async with open_case_memory(settings(seed=SEED)) as memory:
            await memory.import_cases(BANK)
            slates.append(await shown(memory, name, 3))
    assert slates[0] == slates[1]


@pytest.mark.parametrize("name", NAMES)
async def test_excluded_cases_are_replaced_not_just_dropped(memory: CaseMemory, name: PolicyName) -> None:
    await memory.import_cases(BANK)
    first = await shown(memory, name, 1)
    retrieval = await memory.retrieve(TASK, policy=name, k=1, namespace="default", exclude=[one.id for one in first])
    again = [scored.case for scored in retrieval.cases]
    assert len(again) == len(first)
    assert again != first or name == "none"


@pytest.mark.parametrize("name", NAMES)
async def test_strange_tasks(memory: CaseMemory, name: PolicyName) -> None:
    await memory.import_cases(BANK)
    for task in ("", " ", "🇸🇪" * 500, "x" * 100_000, "a\0b\n\u2028c"):
        assert len(await shown(memory, name, 2, task)) <= 2


def found(number: int) -> Found:
    """A made-up task with twelve candidates, as the hybrid pool gives them."""
    draw = np.random.default_rng(number)
    vectors = normalised(draw.normal(size=(13, 24)))
    matches = [
        Match(f"case {row}", 1 if row % 3 else 0, 1000.0 * row, float(vectors[row] @ vectors[12]), float(row % 4),
              uses=row, plan_length=1 + row % 5, vector=vectors[row])
        for row in range(12)
    ]  # fmt: skip
    described = describe(matches, 12, 50_000.0)
    return Found(Query(f"task {number}", vectors[12], described.context), described.candidates)


def finished(number: int, policy: CasePolicy) -> tuple[Case, Episode]:
    """A made-up task, done with what a policy chose for it."""
    pool = found(number)
    picks = policy.select(pool.query, pool.candidates, 4)
    features = {one.case_id: one.features for one in pool.candidates}
    assert pool.query.vector is not None
    episode = Episode(
        policy=policy.name,
        k=4,
        context=pool.query.context,
        vector=pack(pool.query.vector),
        candidates=tuple(Ranked(case_id=one.case_id, cosine=one.cosine) for one in pool.candidates),
        slate=tuple(
            Shown(case_id=p.case_id, score=p.score, propensity=p.propensity, features=features[p.case_id])
            for p in picks
        ),
    )
    rewards: list[Reward | None] = [1, 0, None]
    return case(f"task {number}", rewards[number % 3], float(number)), episode


def taught(name: PolicyName, tasks: int) -> CasePolicy:
    policy = make_policy(name, PolicyOptions(SEED))
    for number in range(tasks):
        policy.update(*finished(number, policy))
    return policy


def state(policy: CasePolicy) -> str:
    return json.dumps(policy.state_dict())


@pytest.mark.parametrize("name", NAMES)
def test_state_survives_a_round_trip_through_json(name: PolicyName) -> None:
    trained, fresh = taught(name, 30), make_policy(name, PolicyOptions(SEED))
    fresh.load_state_dict(json.loads(state(trained)))
    assert state(fresh) == state(trained)
    for number in range(100, 110):
        pool = found(number)
        assert fresh.select(pool.query, pool.candidates, 4) == trained.select(pool.query, pool.candidates, 4)
    assert state(taught(name, 30)) == state(trained), "the same episodes give the same state, bit for bit"


@pytest.mark.parametrize("name", NAMES)
def test_choosing_changes_no_state_and_unknown_outcomes_teach_nothing(name: PolicyName) -> None:
    policy = taught(name, 12)
    before = state(policy)
    unknown, episode = finished(2, policy)
    assert unknown.reward is None
    policy.update(unknown, episode)
    assert state(policy) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [{"policy": "another"}, {"version": "0 of the future"}])
def test_state_of_another_policy_or_version_is_refused_and_changes_nothing(
    name: PolicyName, change: dict[str, Any]
) -> None:
    policy = taught(name, 9)
    before = state(policy)
    with pytest.raises(InvalidInputError, match=name):
        policy.load_state_dict({**policy.state_dict(), **change})
    assert state(policy) == before


@pytest.mark.parametrize("name", NAMES)
async def test_replaying_the_journal_gives_the_same_state(settings: SettingsFactory, name: PolicyName) -> None:
    """Also after feedback that came later, and against a bank that learned with the outcomes known at once."""
    home = settings(seed=SEED)
    async with open_case_memory(home) as memory:
        await memory.import_cases(BANK, vouched=True)
        written = []
        for number in range(9):
            chosen = await memory.retrieve(f"{TASK} {number}", policy=name, k=3, namespace="default")
            done = case(f"{TASK} {number}", (1, 0, None)[number % 3], 10.0 + number)
            await memory.write(done, chosen.episode())
            written.append(done)
        await memory.feedback(written[1].id, 1, namespace="default")
        await memory.feedback(written[2].id, 0, namespace="default")
        await memory.retrieve(TASK, policy=name, k=3, namespace="default")
        live = await asyncio.to_thread(_learned, name, memory._learner, memory._bank.ledger)
    fresh = Learner(PolicyOptions(SEED, home.home / "models"))
    assert await asyncio.to_thread(lambda: _learned(name, fresh, replay(home.home))) == live
    assert await asyncio.to_thread(_known_at_once, name, home.home) == live


def _known_at_once(name: PolicyName, home: Path) -> str:
    policy = make_policy(name, PolicyOptions(SEED, home / "models"))
    for entry in replay(home).episodes("default", 0):
        assert entry.episode is not None
        policy.update(entry.case, entry.episode)
    return state(policy)


def _learned(name: PolicyName, learner: Learner, ledger: Ledger) -> str:
    return state(learner.current(name, "default", ledger).policy)


async def test_cosine_shows_the_nearest_of_both_outcomes(memory: CaseMemory) -> None:
    await memory.import_cases(BANK)
    assert {one.task for one in await shown(memory, "cosine", 2)} == {BANK[0].task, BANK[1].task}


async def test_cosine_success_shows_the_nearest_successes(memory: CaseMemory) -> None:
    await memory.import_cases(BANK)
    cases = await shown(memory, "cosine-success", 3)
    assert cases[0] == BANK[0]
    assert all(one.reward == 1 for one in cases)


async def test_recent_shows_the_newest_first(memory: CaseMemory) -> None:
    await memory.import_cases(BANK)
    assert await shown(memory, "recent", 3) == [BANK[5], BANK[3], BANK[2]]


def test_recent_takes_the_last_written_of_one_time() -> None:
    candidates = [Candidate(id_, 1, 5.0) for id_ in ("first", "second", "third")]
    assert [pick.case_id for pick in make_policy("recent", PolicyOptions(0)).select(Query(TASK), candidates, 2)] == [
        "third",
        "second",
    ]


def test_random_draws_everyone_about_equally_and_says_how_likely() -> None:
    candidates = [Candidate(f"{number}", 0, 0.0) for number in range(5)]
    policy = make_policy("random", PolicyOptions(SEED))
    draws = [policy.select(Query(f"task {number}"), candidates, 2) for number in range(1000)]
    counts = [sum(pick.case_id == one.case_id for draw in draws for pick in draw) for one in candidates]
    assert all(340 < count < 460 for count in counts), counts
    assert [pick.propensity for pick in draws[0]] == [1 / 5, 1 / 4]
    assert draws[:20] != [
        make_policy("random", PolicyOptions(SEED + 1)).select(Query(f"task {n}"), candidates, 2) for n in range(20)
    ]
