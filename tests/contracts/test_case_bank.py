"""What the case bank must do, over the embedded index and over a real Chroma server."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.errors import CaseBankError, InvalidInputError
from configs.settings import Settings
from memory.case import Case, Reward, Step, ToolUse, case_id
from memory.case_bank import CaseBank
from memory.case_memory import CaseMemory
from memory.entries import Entry
from memory.episode import Episode
from memory.journal import replay
from memory.open_memories import open_case_memory
from tests.conftest import SettingsFactory
from tests.fakes.chroma_server import running_chroma


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_chroma(tmp_path_factory.mktemp("chroma-server")) as url:
        yield url


@pytest.fixture(params=["embedded", "server"])
def bank(request: pytest.FixtureRequest, settings: SettingsFactory) -> Settings:
    """Settings of an empty bank: a fresh home, and on the server a fresh namespace."""
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    if request.param == "embedded":
        return settings(namespace=namespace)
    return settings(namespace=namespace, chroma_url=request.getfixturevalue("chroma_server"))


@pytest.fixture
async def memory(bank: Settings) -> AsyncIterator[CaseMemory]:
    async with open_case_memory(bank) as opened:
        yield opened


def make(bank: Settings, task: str, reward: Reward | None = 1, *, run: str = "", calls: bool = False) -> Case:
    use = ToolUse(name="add", arguments={"a": 2, "b": 3}, result="5")
    step = Step(id=1, description=f"solve {task}", status="done", result="5", calls=(use,) if calls else ())
    return Case(
        id=case_id(task, (step,), run, bank.namespace), task=task, plan=(step,), reward=reward,
        namespace=bank.namespace, run_id=run, created_at=1.5,
    )  # fmt: skip


async def tasks(memory: CaseMemory, bank: Settings, query: str = "a task", k: int = 64) -> set[str]:
    found = await memory.retrieve(query, policy="cosine", k=k, namespace=bank.namespace)
    return {scored.case.task for scored in found.cases}


async def journal(bank: Settings) -> dict[str, Entry]:
    return await asyncio.to_thread(lambda: dict(replay(bank.home).entries))


async def test_a_written_case_is_found_whole_by_the_next_task(memory: CaseMemory, bank: Settings) -> None:
    case = make(bank, "Größe von 中文 🙂 addieren", run="r1", calls=True)
    assert await memory.write(case, Episode())
    found = await memory.retrieve(case.task, policy="cosine-success", k=1, namespace=bank.namespace)
    assert [scored.case for scored in found.cases] == [case]
    assert found.cases[0].score == pytest.approx(1.0, abs=1e-5)
    assert found.bank_size == 1


async def test_writing_twice_is_writing_once(memory: CaseMemory, bank: Settings) -> None:
    case = make(bank, "add two and three")
    assert await memory.write(case, Episode(policy="cosine", k=4)) is True
    before = await journal(bank)
    assert await memory.write(case.model_copy(update={"reward": 0}), Episode()) is False
    assert await journal(bank) == before
    assert (await memory.retrieve("add", policy="recent", k=9, namespace=bank.namespace)).bank_size == 1


async def test_cases_nobody_could_judge_are_kept_but_never_shown(memory: CaseMemory, bank: Settings) -> None:
    case = make(bank, "unjudged", None)
    assert await memory.write(case, Episode())
    assert await tasks(memory, bank) == set()
    assert (await journal(bank))[case.id].case == case


async def test_feedback_moves_a_case_between_the_outcomes(memory: CaseMemory, bank: Settings) -> None:
    case = make(bank, "add", None, calls=True)
    await memory.write(case, Episode())
    for reward in (1, 0, 1):
        changed = await memory.feedback(case.id, reward, "a person says", namespace=bank.namespace)
        assert (changed.reward, changed.reward_source) == (reward, "person")
        good = await memory.retrieve("add", policy="cosine-success", k=4, namespace=bank.namespace)
        every = await memory.retrieve("add", policy="cosine", k=4, namespace=bank.namespace)
        assert [scored.case for scored in good.cases] == ([changed] if reward else [])
        assert [scored.case for scored in every.cases] == [changed]
        earlier = await memory.earlier_subtasks("solve add", k=4, namespace=bank.namespace)
        assert len(earlier) == reward


async def test_archiving_is_reversible_and_deleting_is_not(memory: CaseMemory, bank: Settings) -> None:
    first, second = make(bank, "first"), make(bank, "second", 0)
    await memory.import_cases([first, second])
    await memory.set_archived([first.id], True, namespace=bank.namespace)
    assert await tasks(memory, bank) == {"second"}
    await memory.set_archived([first.id], False, namespace=bank.namespace)
    assert await tasks(memory, bank) == {"first", "second"}
    await memory.delete([second.id], namespace=bank.namespace)
    assert await tasks(memory, bank) == {"first"}
    assert second.id not in (await journal(bank))


async def test_changing_an_unknown_case_changes_nothing(memory: CaseMemory, bank: Settings) -> None:
    case = make(bank, "known")
    await memory.write(case, Episode())
    for attempt in (
        memory.delete([case.id, "nope"], namespace=bank.namespace),
        memory.set_archived([case.id, "nope"], True, namespace=bank.namespace),
    ):
        with pytest.raises(InvalidInputError, match="no case 'nope'"):
            await attempt
    with pytest.raises(InvalidInputError, match="no case 'nope'"):
        await memory.feedback("nope", 1, namespace=bank.namespace)
    assert await tasks(memory, bank) == {"known"}


async def test_namespaces_do_not_see_each_other(memory: CaseMemory, bank: Settings) -> None:
    await memory.write(make(bank, "mine"), Episode())
    for other in ("a", "a..b", "_", bank.namespace.upper()):
        found = await memory.retrieve("mine", policy="cosine", k=4, namespace=other)
        assert (found.cases, found.bank_size) == ([], 0)
        assert await memory.earlier_subtasks("mine", k=4, namespace=other) == []


async def test_import_counts_what_is_new_known_and_given_twice(memory: CaseMemory, bank: Settings) -> None:
    cases = [make(bank, f"task {number}", 1 if number % 3 else 0) for number in range(30)]
    first = await memory.import_cases([*cases, cases[0]])
    assert (first.added, first.known, first.duplicates) == (30, 0, 1)
    again = await memory.import_cases([*cases, make(bank, "one more")])
    assert (again.added, again.known, again.duplicates) == (1, 30, 0)
    assert len(await tasks(memory, bank)) == 31


async def test_search_finds_either_outcome_nearest_first(memory: CaseMemory, bank: Settings) -> None:
    await memory.import_cases([make(bank, "bake a cake"), make(bank, "bake some bread", 0), make(bank, "tax law")])
    found = await memory.search("baking a cake", 2, bank.namespace)
    assert [scored.case.task for scored in found] == ["bake a cake", "bake some bread"]
    assert found[0].score > found[1].score


async def test_earlier_subtasks_come_with_their_calls(memory: CaseMemory, bank: Settings) -> None:
    solved, failed = make(bank, "add 2 and 3", calls=True), make(bank, "add 2 and 4", 0, calls=True)
    await memory.import_cases([solved, failed, make(bank, "paint a wall")])
    earlier = await memory.earlier_subtasks("solve add 2 and 4", k=1, namespace=bank.namespace)
    assert [(one.case_id, one.result) for one in earlier] == [(solved.id, "5")]
    assert earlier[0].tool_calls == [{"name": "add", "arguments": {"a": 2, "b": 3}, "result": "5", "ok": True}]
    assert earlier[0].score > 0.8


async def test_the_journal_keeps_what_was_chosen_from(memory: CaseMemory, bank: Settings) -> None:
    await memory.import_cases([make(bank, "one"), make(bank, "two", 0)])
    found = await memory.retrieve("one", policy="cosine", k=1, namespace=bank.namespace)
    case = make(bank, "three", run="r")
    await memory.write(case, found.episode())
    episode = (await journal(bank))[case.id].episode
    assert episode == Episode.model_validate_json(found.episode().model_dump_json())
    assert episode is not None
    assert (episode.policy, episode.k, episode.bank_size, len(episode.candidates)) == ("cosine", 1, 2, 2)
    assert [one.case_id for one in episode.slate] == [scored.case.id for scored in found.cases]


async def test_everything_is_there_after_reopening(bank: Settings) -> None:
    cases = [make(bank, f"task {number}", run=str(number), calls=True) for number in range(5)]
    async with open_case_memory(bank) as memory:
        for case in cases:
            await memory.write(case, Episode())
    async with open_case_memory(bank) as memory:
        assert await tasks(memory, bank) == {case.task for case in cases}
        assert len(await memory.earlier_subtasks("solve task", k=9, namespace=bank.namespace)) == 5


async def test_two_memories_of_one_process_share_the_bank(bank: Settings) -> None:
    async with open_case_memory(bank) as first:
        async with open_case_memory(bank) as second:
            await second.write(make(bank, "by the second"), Episode())
        assert await tasks(first, bank) == {"by the second"}


async def test_homes_share_a_server_and_leave_each_others_cases(
    chroma_server: str, settings: SettingsFactory, tmp_path: Path
) -> None:
    shared: dict[str, Any] = {"chroma_url": chroma_server, "namespace": f"team-{uuid.uuid4().hex[:8]}"}
    here, there = settings(home=tmp_path / "here", **shared), settings(home=tmp_path / "there", **shared)
    async with open_case_memory(here) as one, open_case_memory(there) as two:
        await one.write(make(here, "from here", calls=True), Episode())
        await two.write(make(there, "from there"), Episode())
        assert await tasks(one, here) == await tasks(two, there) == {"from here", "from there"}
        recent = await two.retrieve("x", policy="recent", k=9, namespace=there.namespace)
        assert (len(recent.cases), recent.bank_size) == (2, 2)
    async with open_case_memory(there) as two:
        assert await tasks(two, there) == {"from here", "from there"}
        with pytest.raises(InvalidInputError):
            await two.delete([make(here, "from here", calls=True).id], namespace=there.namespace)


async def test_no_server_there_is_said_in_one_line(settings: SettingsFactory) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    async with open_case_memory(settings(chroma_url=url)) as memory:
        with pytest.raises(CaseBankError, match=f"MEMENTO_CHROMA_URL: no Chroma server answers at {url}"):
            await memory.retrieve("x", policy="cosine", k=1, namespace="default")


async def test_compaction_leaves_the_rest_in_line(memory: CaseMemory, bank: Settings) -> None:
    cases = [make(bank, f"task number {n}", calls=True) for n in range(4)]
    await memory.import_cases(cases)
    other = await asyncio.to_thread(CaseBank, bank)
    if bank.chroma_url is not None:
        assert await asyncio.to_thread(other.entry, bank.namespace, cases[1].id) is not None
    await memory.delete([cases[0].id], namespace=bank.namespace)
    done = await memory.compact()
    journal = await asyncio.to_thread((bank.home / "journal.jsonl").read_bytes)
    assert done.cases_erased == 1 and done.bytes_after == len(journal) < done.bytes_before
    assert cases[0].id.encode() not in journal
    assert await tasks(memory, bank) == {case.task for case in cases[1:]}
    assert len(await memory.earlier_subtasks("solve task number 0", k=9, namespace=bank.namespace)) == 3
    if bank.chroma_url is not None:  # as another process, which still has the old files open
        found = await asyncio.to_thread(other.entry, bank.namespace, cases[1].id)
        assert found is not None and found.case == cases[1].model_copy(update={"reward_source": None})
        await asyncio.to_thread(other.add, [Entry(make(bank, "one more"))])
        assert "one more" in await tasks(memory, bank)
        await asyncio.to_thread(other.close)
    await memory.import_cases([cases[0]])
    assert cases[0].task in await tasks(memory, bank)
