"""Files of a bank lost, damaged, swapped or not writable: all is made again from the journal, or it is told."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.errors import CaseBankError
from configs.settings import Settings
from memory.entries import Entry
from memory.journal import FILE, Journal, replay
from memory.learner import Learner
from memory.ledger_store import FILE as LEDGER
from memory.policies.base import PolicyOptions
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import (
    QuickEmbedder,
    assert_agreement,
    entries,
    fresh_ledger,
    names,
    opened,
    quick_case,
    states,
)


class OtherEmbedder(QuickEmbedder):
    name, dimension = "other", 24


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())


@pytest.fixture
def filled(settings: SettingsFactory) -> Settings:
    with opened(settings()) as bank:
        bank.add(entries("abcDEFGHIJKLMNOP"))
        bank.delete("default", [quick_case("nE").id])
    return settings()


ALL = "abcDFGHIJKLMNOP"


def remove(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def spoil(path: Path) -> None:
    path.write_bytes(b"\xff" * 50_000)


def spoil_inside(path: Path) -> None:
    """The schema can be read, the rest cannot."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def other_format(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE meta SET value = '0' WHERE key = 'format'")
    db.close()


def other_tables(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE meta (something TEXT)")
    db.close()


@pytest.mark.parametrize("damage", [remove, cut, empty, spoil, spoil_inside, other_format, other_tables])
def test_a_lost_or_damaged_ledger_is_made_again(
    filled: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(filled.home / LEDGER)
    assert len(replay(filled.home).entries) == len(ALL)
    damage(filled.home / LEDGER)
    assert names(filled, tmp_path / "replay") == ALL
    assert names(filled, tmp_path / "again") == ALL


@pytest.mark.parametrize("damage", [remove, spoil, spoil_inside])
def test_a_ledger_damaged_while_it_is_open_is_made_again(
    filled: Settings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    with opened(filled) as bank:
        damage(filled.home / LEDGER)
        for name in "qr":
            try:
                bank.add(entries(name))
            except CaseBankError as error:
                assert "\n" not in str(error)
    kept = names(filled, tmp_path / "replay")
    assert kept.startswith(ALL)
    with opened(filled) as bank:
        bank.add(entries("qr"))
    assert "".join(sorted(names(filled, tmp_path / "again"))) == "".join(sorted(f"{ALL}qr"))


def test_a_home_that_cannot_be_written_is_read(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (filled.home / LEDGER).unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert len(replay(filled.home).entries) == len(ALL)
    assert not (filled.home / LEDGER).exists()


def test_another_journal_in_its_place_is_followed(filled: Settings, tmp_path: Path) -> None:
    """Also one with as many successes and failures: only the ids tell that the indexes hold others."""
    (tmp_path / "other").mkdir()
    with opened(filled.model_copy(update={"home": tmp_path / "other"})) as bank:
        bank.add(entries(ALL.replace("P", "Q").replace("a", "r")))
    shutil.copy(tmp_path / "other" / FILE, filled.home / FILE)
    assert names(filled, tmp_path / "replay") == ALL.replace("P", "Q").replace("a", "r")


def test_an_older_journal_in_its_place_is_followed(filled: Settings, tmp_path: Path) -> None:
    shutil.copy(filled.home / FILE, tmp_path / "backup")
    with opened(filled) as bank:
        bank.add(entries("Q"))
    shutil.copy(tmp_path / "backup", filled.home / FILE)
    assert names(filled, tmp_path / "replay") == ALL


def test_a_journal_edited_in_the_middle_is_read_anew(filled: Settings, tmp_path: Path) -> None:
    """Of equal length, so that every line is where it was."""
    journal = filled.home / FILE
    case = quick_case("nG")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[6] = lines[6].replace(b'"reward":1,', b'"reward":0,')
    journal.write_bytes(b"".join(lines))
    with opened(filled) as bank:
        assert_agreement(bank, filled.home, tmp_path / "replay")
        assert bank.cases("default", [case.id])[case.id].reward == 0


def test_a_journal_that_is_touched_or_copied_is_not_folded_again(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = filled.home / FILE
    shutil.copy(journal, journal.with_suffix(".copy"))
    journal.with_suffix(".copy").replace(journal)
    monkeypatch.delattr("memory.ledger_fold.Fold.apply")
    assert len(replay(filled.home).entries) == len(ALL)


def test_each_embedding_model_has_an_index_in_line(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back, with as many cases added as deleted in between."""
    with monkeypatch.context() as patch:
        patch.setattr("memory.bank_files.make_embedder", lambda _: OtherEmbedder())
        assert names(filled, tmp_path / "other") == ALL
        with opened(filled) as bank:
            bank.add(entries("Q"))
            bank.delete("default", [quick_case("nP").id])
            bank.reward("default", quick_case("na").id, 1)
            bank.reward("default", quick_case("nD").id, 0)
    assert names(filled, tmp_path / "back") == ALL.replace("P", "Q")
    with monkeypatch.context() as patch:
        patch.setattr("memory.bank_files.make_embedder", lambda _: OtherEmbedder())
        assert names(filled, tmp_path / "other again") == ALL.replace("P", "Q")


def test_a_full_disk_at_the_journal_loses_nothing(filled: Settings, tmp_path: Path) -> None:
    before = (filled.home / FILE).read_bytes()
    with opened(filled) as bank:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
        try:
            with pytest.raises(CaseBankError, match=r"cannot write .*journal\.jsonl: File too large"):
                bank.add(entries("Q"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (filled.home / FILE).read_bytes() == before
        bank.add(entries("R"))
        assert_agreement(bank, filled.home, tmp_path / "open")
    assert names(filled, tmp_path / "replay") == f"{ALL}R"


def test_a_full_disk_at_the_ledger_loses_nothing(filled: Settings, tmp_path: Path) -> None:
    """What is in the journal is never cut off again, and is there as soon as there is room."""
    with opened(filled) as bank:
        store = bank.ledger.store
        pages = store.value("PRAGMA page_count")
        store.value(f"PRAGMA max_page_count = {pages}")
        many = [Entry(quick_case(f"n{number}")) for number in range(100, 300)]
        with pytest.raises(CaseBankError, match=r"cannot use the ledger .*full"):
            bank.add(many)
        written = (filled.home / FILE).read_bytes()
        with pytest.raises(CaseBankError, match=r"cannot use the ledger .*full"):
            bank.add(entries("Q"))
        assert (filled.home / FILE).read_bytes()[: len(written)] == written
        found = assert_agreement(bank, filled.home, tmp_path / "open")
        assert {entry.case.id for entry in many} <= set(found)
    assert len(Journal(filled.home).ledger.entries) == len(found)


def test_another_journal_brings_its_own_learning(filled: Settings, tmp_path: Path) -> None:
    """Also into a process that has learned from the one before."""
    (tmp_path / "other").mkdir()
    with opened(filled.model_copy(update={"home": tmp_path / "other"})) as bank:
        bank.add(entries("rsTUVWXYZ"))
        bank.delete("default", [quick_case("nT").id])  # as in the first, so that both have one correction
    learner, journal = Learner(PolicyOptions(seed=0)), Journal(filled.home)
    journal.refresh()
    before = learner.current("bandit", "default", journal.ledger).policy.state_dict()
    shutil.copy(tmp_path / "other" / FILE, filled.home / FILE)
    journal.refresh()
    learner.save(journal.ledger)
    now = learner.current("bandit", "default", journal.ledger).policy.state_dict()
    assert now == states(fresh_ledger(filled.home, tmp_path / "fresh"))["bandit"] != before


def test_a_snapshot_that_cannot_be_written_stops_nobody(filled: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with opened(filled) as bank:
        learner = Learner(PolicyOptions(seed=0))
        learner.current("bandit", "default", bank.ledger)
        bank.ledger.store.value("PRAGMA query_only = 1")
        bank.save(learner)
        assert "no snapshot of policy bandit was kept" in caplog.text
        bank.ledger.store.value("PRAGMA query_only = 0")


def test_an_index_is_not_made_anew_where_there_is_no_room(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk Chroma's errors look like damage."""
    with (filled.home / "chroma" / "chroma.sqlite3").open("r+b") as file:
        file.write(b"\xff" * 4096)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 0))
        with pytest.raises(CaseBankError, match=r"takes \d+ bytes of disk, 0 are free"), opened(filled):
            pass
    assert not list(filled.home.glob("chroma.damaged-*"))
    assert names(filled, tmp_path / "replay") == ALL
    assert list(filled.home.glob("chroma.damaged-*"))


def test_a_ledger_that_points_elsewhere_is_made_again(filled: Settings) -> None:
    expected = dict(replay(filled.home).entries)
    with sqlite3.connect(filled.home / "ledger.sqlite") as connection:
        connection.execute("UPDATE cases SET start = start + 1 WHERE seq = 3")
    connection.close()
    with pytest.raises(CaseBankError, match="made again at the next use"):
        dict(replay(filled.home).entries)
    assert dict(replay(filled.home).entries) == expected


def test_a_journal_that_is_gone_is_no_empty_bank(filled: Settings) -> None:
    (filled.home / "journal.jsonl").unlink()
    for _ in range(2):
        with pytest.raises(CaseBankError, match=r"journal\.jsonl is gone, of which .*ledger\.sqlite remembers"):
            replay(filled.home)
    (filled.home / "ledger.sqlite").unlink()
    assert not replay(filled.home).entries
