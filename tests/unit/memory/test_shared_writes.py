"""Many writers, few batches: each is told what became of its entry, and nobody's failure is another's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from configs.errors import CaseBankError
from memory.case_memory import CaseMemory
from memory.entries import Entry
from memory.index import ChromaIndex
from memory.journal import replay
from memory.learner import Learner
from memory.policies.base import PolicyOptions
from memory.shared_writes import SharedWrites
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, assert_agreement, opened, quick_case


class Store:
    """Keeps entries in a set; `hold` makes it wait, `refuse` fails every batch that holds such a task."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.ids: set[str] = set()
        self.hold = threading.Event()
        self.hold.set()
        self.refuse = ""
        self.indexed = 0

    def keep(self, entries: Sequence[Entry]) -> list[str]:
        self.batches.append([entry.case.task for entry in entries])
        assert self.hold.wait(10)
        if self.refuse and any(self.refuse in entry.case.task for entry in entries):
            raise CaseBankError("refused")
        new = [entry.case.id for entry in entries if entry.case.id not in self.ids]
        self.ids.update(new)
        return list(dict.fromkeys(new))

    def index(self) -> None:
        self.indexed = len(self.ids)


def entry(name: str) -> Entry:
    return Entry(quick_case(name))


def held(store: Store, writes: SharedWrites, names: str) -> list[tuple[str, Future[bool]]]:
    """Submit the first while the store waits, the others meanwhile; then let go."""
    store.hold.clear()
    futures = [(names[0], writes.submit(entry(names[0])))]
    while not store.batches:
        time.sleep(0.001)
    futures += [(name, writes.submit(entry(name))) for name in names[1:]]
    store.hold.set()
    return futures


def test_what_waits_is_one_batch_and_a_repeated_entry_is_new_once() -> None:
    store = Store()
    writes = SharedWrites(store.keep, store.index)
    futures = held(store, writes, "abcb")
    assert [future.result(10) for _, future in futures] == [True, True, True, False]
    assert [len(batch) for batch in store.batches] == [1, 3]
    writes.join()
    assert store.indexed == 3


def test_one_refused_entry_is_nobody_elses_failure() -> None:
    store = Store()
    store.refuse = "x"
    writes = SharedWrites(store.keep, store.index)
    outcomes: dict[str, bool | None] = {}
    for name, future in held(store, writes, "axb"):
        try:
            outcomes[name] = future.result(10)
        except CaseBankError:
            outcomes[name] = None
    assert outcomes == {"a": True, "x": None, "b": True}
    assert writes.submit(entry("c")).result(10) is True
    writes.join()


def test_an_index_that_fails_ends_nothing() -> None:
    store = Store()

    def fail() -> None:
        raise CaseBankError("the disk is full")

    writes = SharedWrites(store.keep, fail)
    assert writes.submit(entry("a")).result(10) is True
    writes.indexed().result(10)
    assert writes.submit(entry("b")).result(10) is True
    writes.join()


def test_who_waits_for_the_index_sees_what_was_answered() -> None:
    store = Store()
    writes = SharedWrites(store.keep, store.index)
    for number in range(5):
        writes.submit(entry(f"n{number}")).result(10)
        writes.indexed().result(10)
        assert store.indexed == number + 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())


@pytest.mark.usefixtures("quick")
def test_many_runs_write_and_read_what_they_wrote(settings: SettingsFactory, tmp_path: Path) -> None:
    with opened(settings()) as bank:
        memory = CaseMemory(bank, Learner(PolicyOptions(seed=0)))

        async def run(number: int) -> None:
            retrieval = await memory.retrieve(f"task r{number}", policy="cosine", k=2, namespace="default")
            case = quick_case(f"r{number}")
            assert await memory.write(case, retrieval.episode())
            assert [one.case.id for one in await memory.search(case.task, 1, "default")] == [case.id]

        async def all_runs() -> None:
            await asyncio.gather(*(run(number) for number in range(30)))

        asyncio.run(all_runs())
        bank.indexed().result(10)
        assert len(assert_agreement(bank, settings().home, tmp_path / "fresh")) == 30


@pytest.mark.usefixtures("quick")
def test_a_case_is_durable_when_its_writer_is_answered(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index fails, the case is in the journal, and the next use finds it."""
    with opened(settings()) as bank:
        case = quick_case("kept")
        with monkeypatch.context() as patch:
            patch.setattr(ChromaIndex, "write", lambda *_, **__: _fail())
            assert bank.submit(Entry(case)).result(10)
            assert case.id in replay(settings().home).entries
            bank.indexed().result(10)
        assert [one.case_id for one in bank.nearest("default", bank.embed(case.task), 1)] == [case.id]


@pytest.mark.usefixtures("quick")
def test_closing_waits_for_what_was_submitted(settings: SettingsFactory, tmp_path: Path) -> None:
    with opened(settings()) as bank:
        futures = [bank.submit(entry(f"n{number}")) for number in range(9)]
    assert all(future.done() and future.result() for future in futures)
    with opened(settings()) as again:
        assert len(assert_agreement(again, settings().home, tmp_path / "fresh")) == 9


def _fail() -> None:
    raise CaseBankError("the case bank did not answer")
