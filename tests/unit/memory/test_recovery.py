"""Crashes, damage and second writers: journal and index agree again, and whoever has to wait is told for whom."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from configs.errors import CaseBankError
from configs.settings import Settings
from memory.case import Case, Reward, Step, case_id
from memory.case_bank import CaseBank
from memory.entries import Entry
from memory.events import CaseWritten
from memory.index import DEADLINE_SECONDS, ChromaIndex, DamagedIndexError
from memory.journal import Journal, replay
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, opened
from tests.project_files import ROOT

WRITER = """
import sys
from configs.settings import load_settings
from memory.case import Case, Step
from memory.case_bank import CaseBank
from memory.entries import Entry
bank = CaseBank(load_settings())
for number in range(10**6):
    step = Step(id=1, description=f"step {number}", status="done", result="r")
    bank.add([Entry(Case(id=f"case-{number}", task=f"task {number}", plan=(step,), reward=number % 2))])
    print(number, flush=True)
"""


def case(task: str, reward: Reward | None = 1) -> Case:
    plan = (Step(id=1, description=f"solve {task}", status="done", result="r"),)
    return Case(id=case_id(task, plan, ""), task=task, plan=plan, reward=reward)


def found(bank: CaseBank, n: int = 500) -> set[str]:
    """The ids a vector search finds."""
    return {candidate.case_id for candidate in bank.nearest("default", bank.embed("task"), n)}


@contextmanager
def writer(home: Path, until: int) -> Iterator[subprocess.Popen[str]]:
    """A process that writes cases and has written more than `until` of them."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            while int(process.stdout.readline()) < until:
                pass
            yield process
        finally:
            process.kill()


@pytest.fixture
def filled(settings: SettingsFactory) -> Settings:
    with opened(settings()) as bank:
        bank.add([Entry(case(f"task {number}", 1 if number % 2 else 0)) for number in range(20)])
    return settings()


@pytest.mark.parametrize("until", [0, 7])
def test_killed_writer_loses_no_acknowledged_case(settings: SettingsFactory, home: Path, until: int) -> None:
    with writer(home, until) as process:
        process.send_signal(signal.SIGKILL)
    with opened(settings()) as bank:
        in_journal = set(replay(home).entries)
        assert {f"case-{number}" for number in range(until + 1)} <= in_journal
        assert found(bank) == in_journal
        solved = bank.nearest_subtasks("default", bank.embed("step"), 500)
        assert {one.id.partition(":")[0] for one in solved} == {id_ for id_ in in_journal if int(id_[5:]) % 2}


def test_case_in_the_journal_only_is_indexed_at_the_next_opening(filled: Settings) -> None:
    journal = Journal(filled.home)
    journal.refresh()
    journal.append([CaseWritten(case=case("crashed before the index"))])
    with opened(filled) as bank:
        assert case("crashed before the index").id in found(bank)
        assert len(found(bank)) == 21


def test_failed_index_write_heals_at_the_next_use(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise CaseBankError("the case bank did not answer")

    with opened(filled) as bank:
        with monkeypatch.context() as patch:
            patch.setattr(ChromaIndex, "write", fail)
            with pytest.raises(CaseBankError, match="did not answer"):
                bank.add([Entry(case("late"))])
        assert bank.add([Entry(case("late"))]) == []
        assert case("late").id in found(bank)


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def spoil_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").write_bytes(b"\xff" * 4096)


def cut_database(folder: Path) -> None:
    os.truncate(folder / "chroma.sqlite3", 20_000)


def remove_database(folder: Path) -> None:
    (folder / "chroma.sqlite3").unlink()


def lose_rows(folder: Path) -> None:
    """As if another version had written less: the journal's cases are not all there."""
    index = ChromaIndex.embedded(folder.parent, fingerprint="")
    index._fingerprint = next(one.name for one in index._client.list_collections()).rsplit("-", 1)[1]
    ids = [hit.id for hit in index.read("success", "default")]
    index.delete("success", "default", ids[:4])
    index.close()


@pytest.mark.parametrize("damage", [remove, spoil_database, cut_database, remove_database, lose_rows])
def test_missing_or_damaged_index_is_rebuilt(filled: Settings, damage: Callable[[Path], None]) -> None:
    damage(filled.home / "chroma")
    with opened(filled) as bank:
        assert found(bank) == set(replay(filled.home).entries)
    kept = list(filled.home.glob("chroma.damaged-*"))
    assert bool(kept) == (damage in (spoil_database, cut_database)), "what was damaged is kept aside"


def test_index_whose_vectors_are_lost_is_rebuilt(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chroma lists rows from its database although their vectors are gone: only a search tells."""
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    with opened(settings()) as bank:
        bank.add([Entry(case(f"task {number}")) for number in range(1100)])  # beyond what Chroma keeps unflushed
    segments = [path for path in (settings().home / "chroma").iterdir() if path.is_dir()]
    assert segments
    for path in segments:
        shutil.rmtree(path)
    with opened(settings()) as bank:
        assert len(found(bank, 2000)) == 1100
    assert list(settings().home.glob("chroma.damaged-*"))


def test_index_that_fails_while_in_use_is_rebuilt(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    nearest, failures = ChromaIndex.nearest, [DamagedIndexError("the case bank failed: HNSW")]

    def fail_once(self: ChromaIndex, *args: object) -> object:
        if failures:
            raise failures.pop()
        return nearest(self, *args)  # type: ignore[arg-type]  # passed on as they came

    with opened(filled) as bank:
        monkeypatch.setattr(ChromaIndex, "nearest", fail_once)
        assert len(found(bank)) == 20


def test_agreeing_index_is_not_written_again(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ChromaIndex, "write")
    monkeypatch.delattr(ChromaIndex, "delete")
    with opened(filled) as bank:
        assert len(found(bank)) == 20


def test_second_process_is_told_who_has_the_bank(settings: SettingsFactory, home: Path) -> None:
    with writer(home, 0) as process:
        with pytest.raises(CaseBankError) as caught, opened(settings()):
            pass
        assert f"is in use by process {process.pid}" in str(caught.value)
        assert "MEMENTO_CHROMA_URL" in str(caught.value)
        assert replay(home).entries, "readers need no lock"
    with opened(settings()) as bank:
        assert found(bank) == set(replay(home).entries)


def test_hung_index_is_given_up_on(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    with opened(filled) as bank:
        vector = bank.embed("task")
        index = bank._files._index
        assert index is not None
        assert index._deadline == DEADLINE_SECONDS
        index._deadline = 0.05
        monkeypatch.setattr(index._collection("success", "default"), "query", lambda **_: release.wait(20))
        with pytest.raises(CaseBankError, match="did not answer within"):
            bank.nearest("default", vector, 4)
        release.set()
        index._deadline = DEADLINE_SECONDS


def test_home_that_is_a_file_is_one_line(settings: SettingsFactory, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(CaseBankError, match="cannot write to the home") as caught, opened(settings(home=home)):
            pass
        assert "\n" not in str(caught.value)


def test_only_the_owner_can_read_the_home(filled: Settings) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (filled.home, *filled.home.iterdir())}
    assert {name: mode for name, mode in modes.items() if mode not in (0o600, 0o700)} == {}


@pytest.mark.parametrize("fault", ["(code: 13) database or disk is full", "No space left on device (os error 28)"])
def test_full_disk_is_no_damage(filled: Settings, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    from chromadb.errors import InternalError

    def fail(**_: object) -> None:
        raise InternalError(f"error returned from database: {fault}")

    with opened(filled) as bank:
        vector = bank.embed("task")
        assert bank._files._index is not None
        monkeypatch.setattr(bank._files._index._collection("success", "default"), "query", fail)
        with pytest.raises(CaseBankError, match="the case bank failed"):
            bank.nearest("default", vector, 4)
    assert not list(filled.home.glob("chroma.damaged-*"))
