"""Several threads of one process at one memory: nobody fails, nothing is lost, everything agrees afterwards."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.settings import PolicyName
from memory.case import Reward
from memory.case_bank import CaseBank
from memory.case_memory import CaseMemory
from memory.entries import Entry
from memory.index import ChromaIndex, DamagedIndexError
from memory.journal import replay
from memory.learner import Learner
from memory.ledger import Ledger
from memory.policies.base import PolicyOptions
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, assert_agreement, opened, quick_case, quick_episode, states

SECONDS = 3.0
SHOWN: tuple[PolicyName, ...] = ("bandit", "soft-q", "cosine-success", "recent", "random")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())


class Threads:
    """Each does its part again and again until the time is over; failures are kept."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.failures: list[str] = []
        self.done: list[str] = []
        self._threads: list[threading.Thread] = []

    def add(self, name: str, part: Callable[[int], object]) -> None:
        self._threads.append(threading.Thread(target=self._run, args=(name, part), name=name))

    def _run(self, name: str, part: Callable[[int], object]) -> None:
        number = 0
        while time.monotonic() < self.ends:
            try:
                part(number)
                self.done.append(name)
            except BaseException as error:  # noqa: BLE001  # told by the test
                self.failures.append(f"{name}: {type(error).__name__}: {error}")
            number += 1

    def join(self) -> None:
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()


def writer(bank: CaseBank, name: str, acknowledged: dict[str, Reward | None]) -> Callable[[int], None]:
    draw = random.Random(name)

    def write(number: int) -> None:
        case = quick_case(f"{name}n{number}", draw.choice((0, 1, None)))
        bank.add([Entry(case, episode=quick_episode(draw, list(acknowledged)[-20:]))])
        acknowledged[case.id] = case.reward
        if number % 3 == 0:
            acknowledged[case.id] = bank.reward("default", case.id, 1).reward
        if number % 4 == 0:
            bank.delete("default", [case.id])
            del acknowledged[case.id]

    return write


@pytest.mark.parametrize("damaged", ["", "for a moment", "index set aside meanwhile"])
def test_threads_write_and_retrieve_at_once(
    settings: SettingsFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    if damaged:
        damage(monkeypatch, lasting="set aside" in damaged)
    acknowledged: dict[str, Reward | None] = {}
    learner, threads = Learner(PolicyOptions(seed=0)), Threads(SECONDS)
    home = settings().home
    with opened(settings()) as bank:
        memory = CaseMemory(bank, learner)
        for name in ("a", "b"):
            threads.add("write", writer(bank, name, acknowledged))
        for at in range(3):
            threads.add("retrieve", reader(memory, at))
        threads.add("subtasks", lambda _: memory._earlier_subtasks("solve an1", 3, "default"))
        threads.add("replay", lambda _: list(replay(home).entries.values()))
        threads.join()
        assert threads.failures == []
        assert {"write", "retrieve", "subtasks", "replay"} <= set(threads.done)
        found = assert_agreement(bank, home, tmp_path / "replay")
        assert {id_: entry.case.reward for id_, entry in found.items()} == acknowledged
        assert learner.current("bandit", "default", bank.ledger).policy.state_dict() == states(replay(home))["bandit"]
    assert bool(list(home.glob("chroma.damaged-*"))) == ("set aside" in damaged)


def reader(memory: CaseMemory, start: int) -> Callable[[int], None]:
    def retrieve(number: int) -> None:
        policy = SHOWN[(number + start) % len(SHOWN)]
        found = memory._retrieve(f"task an{number % 20}", policy, 4, "default", 2.0, frozenset())
        assert len(found.cases) <= 4
        assert found.episode().policy == policy

    return retrieve


def damage(monkeypatch: pytest.MonkeyPatch, *, lasting: bool) -> None:
    """Let each index be found damaged in its fiftieth search, and in all further ones if that lasts."""
    searches: Counter[int] = Counter()
    kept: list[ChromaIndex] = []
    nearest = ChromaIndex.nearest

    def failing(self: ChromaIndex, *args: object, **options: object) -> object:
        kept.append(self)  # so that no other gets its id
        searches[id(self)] += 1
        if searches[id(self)] == 50 or (lasting and searches[id(self)] > 50):
            raise DamagedIndexError("the case bank failed: HNSW")
        return nearest(self, *args, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(ChromaIndex, "nearest", failing)


def test_a_case_deleted_between_two_steps_of_a_retrieval_is_left_out(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [quick_case(f"n{number}") for number in range(4)]
    with opened(settings()) as bank:
        bank.add([Entry(case) for case in cases])
        facts = Ledger.facts
        monkeypatch.setattr(
            Ledger, "facts", lambda self, name, ids: facts(self, name, [id_ for id_ in ids if id_ != cases[0].id])
        )
        found = bank.matches("default", "task n0", bank.embed("task"), 9)
        assert {one.case_id for one in found} == {case.id for case in cases[1:]}
