"""Several processes on one bank: an embedded one has one writer at a time, a server's bank any number."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from configs.errors import CaseBankError
from configs.settings import load_settings
from memory.case import Reward
from memory.case_bank import CaseBank
from memory.entries import Entry
from memory.episode import Episode
from memory.events import LINE, CaseWritten
from memory.journal import FILE, replay
from tests.conftest import SettingsFactory
from tests.fakes.chroma_server import running_chroma
from tests.fakes.forked import forked_context
from tests.fakes.quick_bank import (
    QuickEmbedder,
    assert_agreement,
    assert_each_written_once,
    fresh_ledger,
    quick_case,
    tables,
)

WORKERS, EACH = 8, 15


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forked_context()


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_chroma(tmp_path_factory.mktemp("chroma-server")) as url:
        yield url


def reward_of(number: int) -> Reward:
    """What the feedback says in the end."""
    return 1 if number % 3 else 0


def write_cases(bank: CaseBank, worker: int, each: int) -> None:
    """Cases with feedback: one by one, first without an outcome; every fifth is written twice."""
    for number in range(each):
        case = quick_case(f"w{worker}n{number}", None, run=str(worker))
        for _ in range(2 if number % 5 == 0 else 1):
            bank.add([Entry(case, episode=Episode(policy="cosine", k=4))])
        bank.reward("default", case.id, reward_of(number))


def expected(workers: Sequence[int], each: int) -> dict[str, Reward]:
    return {
        quick_case(f"w{worker}n{number}", None, run=str(worker)).id: reward_of(number)
        for worker in workers
        for number in range(each)
    }


def work(overrides: dict[str, Any], worker: int, each: int, told: Connection) -> None:
    """Write, wait for the others, and tell what is found: by vectors, whole cases, and by words in the own home."""
    pytest.MonkeyPatch().setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    bank = CaseBank(load_settings(overrides=[f"{name}={value}" for name, value in overrides.items()]))
    try:
        write_cases(bank, worker, each)
        told.send_bytes(b"written")
        told.recv_bytes()
        bank.follow()
        found = bank.nearest("default", bank.embed("task"), 1000)
        cases = bank.cases("default", [one.case_id for one in found])
        near = {one.case_id: one.reward for one in found}
        words = [
            [id_ for id_, _ in bank._files.lexical.search("default", f"w{one}n{number}", 9)]
            for one in range(WORKERS)
            for number in range(each)
        ]
        whole = {case.id: case.reward for case in cases.values()}
        path = bank.ledger.store.path
        told.send_bytes(json.dumps([len(found), near, whole, words, path is not None]).encode())
    except BaseException as error:
        told.send_bytes(json.dumps(f"{type(error).__name__}: {error}").encode())
        raise
    finally:
        bank.close()


def started(
    context: ForkServerContext, homes: Sequence[Path], url: str
) -> tuple[list[ForkServerProcess], list[Connection]]:
    running, ends = [], []
    for worker, home in enumerate(homes):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=({"home": str(home), "chroma_url": url}, worker, EACH, theirs))
        process.start()
        theirs.close()
        running.append(process)
        ends.append(ours)
    return running, ends


def answers(ends: Sequence[Connection]) -> list[Any]:
    """What each worker found once all had written."""
    for end in ends:
        assert (told := end.recv_bytes()) == b"written", told
    for end in ends:
        end.send_bytes(b"go")
    return [json.loads(end.recv_bytes()) for end in ends]


class Reader(threading.Thread):
    """Reads a home again and again: never a failure, never half a case, never fewer cases than before."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home, self.reads, self.failure, self.ended = home, 0, "", threading.Event()

    def run(self) -> None:
        before = 0
        while not self.ended.is_set() and not self.failure:
            try:
                ledger = replay(self.home)
                size = ledger.size("default")  # first: what is asked later may know of more
                cases = [entry.case for entry in ledger.entries.values()]
                assert before <= len(cases) <= ledger.count("default", "cases") + WORKERS
                assert all(case.plan and case.task.startswith("task w") for case in cases)
                assert size <= len(cases)
                before = len(cases)
                self.reads += 1
            except BaseException as error:  # noqa: BLE001  # told by the test
                self.failure = f"{type(error).__name__}: {error}"
            time.sleep(0.02)


@pytest.mark.parametrize("shared_home", [True, False], ids=["one home", "a home each"])
def test_eight_processes_write_to_one_server(
    processes: ForkServerContext, chroma_server: str, shared_home: bool, tmp_path: Path
) -> None:
    homes = [tmp_path / ("home" if shared_home else f"home{worker}") for worker in range(WORKERS)]
    namespace_rows = expected(range(WORKERS), EACH)
    reader = Reader(homes[0])
    running, ends = started(processes, homes, chroma_server)
    reader.start()
    told = answers(ends)
    for process in running:
        process.join()
    reader.ended.set()
    reader.join()
    assert not reader.failure
    assert reader.reads >= 3
    for worker, what in enumerate(told):
        assert isinstance(what, list), what
        number, near, whole, words, on_disk = what
        assert on_disk, "the ledger was kept in memory"
        assert near == whole == namespace_rows
        assert number == len(namespace_rows), "a case was found twice"
        own = range(WORKERS) if shared_home else [worker]
        assert Counter(id_ for hits in words for id_ in hits) == Counter(list(expected(own, EACH)))
    for home in dict.fromkeys(homes):
        assert_each_written_once(home)
    written = [event for home in dict.fromkeys(homes) for event in written_in(home)]
    assert Counter(event.case.id for event in written) == Counter(list(namespace_rows))
    assert tables(replay(homes[0])) == tables(fresh_ledger(homes[0], tmp_path / "replay"))


def written_in(home: Path) -> list[CaseWritten]:
    events = map(LINE.validate_json, (home / FILE).read_bytes().split(b"\n")[:-1])
    return [event for event in events if isinstance(event, CaseWritten)]


def write_embedded(home: Path, worker: int, patient: bool, told: Connection) -> None:
    """Open, write and close again and again; one who is not patient gives up when the bank is in use."""
    pytest.MonkeyPatch().setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    settings = load_settings(overrides=[f"home={home}"])
    refused = 0
    for part in range(4):
        case = [Entry(quick_case(f"w{worker}n{part}x{number}")) for number in range(5)]
        while True:
            bank = CaseBank(settings)
            try:
                bank.add(case)
                break
            except CaseBankError as error:
                refused += 1
                if "is in use by process" not in str(error) or not patient:
                    raise
            finally:
                bank.close()
    told.send_bytes(json.dumps(refused).encode())


def test_processes_that_take_turns_at_an_embedded_bank_lose_nothing(
    processes: ForkServerContext, settings: SettingsFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second waits while the first has it, some seconds at most."""
    ends, running = [], []
    for worker in range(3):
        receiver, sender = processes.Pipe(duplex=False)
        running.append(processes.Process(target=write_embedded, args=(settings().home, worker, True, sender)))
        running[-1].start()
        sender.close()
        ends.append(receiver)
    for process, end in zip(running, ends, strict=True):
        json.loads(end.recv_bytes())
        process.join()
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    bank = CaseBank(settings())
    try:
        found = assert_agreement(bank, settings().home, tmp_path / "replay")
    finally:
        bank.close()
    names = [f"w{worker}n{part}x{number}" for worker in range(3) for part in range(4) for number in range(5)]
    assert {entry.case.task for entry in found.values()} == {f"task {name}" for name in names}
    assert_each_written_once(settings().home)
