"""The journal: what is written is there whatever happens next, and nothing half-written ever is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from configs.errors import CaseBankError
from memory.case import Case, Step, case_id
from memory.episode import Episode
from memory.events import ArchiveChanged, CaseWritten, Deleted, FeedbackGiven
from memory.journal import Journal, replay


def case(task: str, namespace: str = "default") -> Case:
    plan = (Step(id=1, description="do it\u2028now\nplease"),)
    return Case(id=case_id(task, plan, "", namespace), task=task, plan=plan, reward=1, namespace=namespace)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path)
    journal.append([CaseWritten(case=case(task), episode=Episode(policy="cosine")) for task in ("a", "b", "c")])
    return journal


def tasks(home: Path) -> list[str]:
    return [entry.case.task for entry in replay(home).entries.values()]


def test_replay_gives_the_writers_view(journal: Journal) -> None:
    journal.append(
        [
            FeedbackGiven(case_id=case("a").id, reward=0, note="no"),
            ArchiveChanged(kind="archived", case_ids=(case("b").id, case("c").id)),
            ArchiveChanged(kind="restored", case_ids=(case("b").id,)),
            Deleted(case_ids=(case("c").id, "unknown")),
        ]
    )
    read = replay(journal.path.parent)
    assert dict(read.entries) == dict(journal.ledger.entries)
    assert [(e.case.task, e.case.reward, e.archived) for e in read.entries.values()] == [
        ("a", 0, False),
        ("b", 1, False),
    ]
    assert list(read.eligible("default")) == [case("a").id, case("b").id]
    assert read.entries[case("a").id].episode == Episode(policy="cosine")


def test_missing_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert tasks(tmp_path / "nowhere") == []


@pytest.mark.parametrize("keep", [0, 1, 40, -2, -1])
def test_torn_last_line_is_not_there_and_is_cut_by_the_next_write(journal: Journal, keep: int) -> None:
    whole = journal.path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    journal.path.write_bytes(whole[: -len(last)] + last[:keep])
    home = journal.path.parent
    assert tasks(home) == ["a", "b"]
    reopened = Journal(home)
    reopened.refresh()
    reopened.append([CaseWritten(case=case("d"))])
    assert tasks(home) == ["a", "b", "d"]


def test_damaged_line_in_the_middle_is_named(journal: Journal) -> None:
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0] + b'{"kind": "case"}\n' + lines[2])
    with pytest.raises(CaseBankError, match=r"journal\.jsonl line 2 is damaged"):
        replay(journal.path.parent)


def test_another_writers_lines_are_followed(journal: Journal) -> None:
    other = Journal(journal.path.parent)
    other.refresh()
    other.append([CaseWritten(case=case("d"))])
    journal.refresh()
    assert list(journal.ledger.entries.items()) == list(other.ledger.entries.items())
    assert case("d").id in journal.ledger.entries


def test_only_the_owner_can_read_it(journal: Journal) -> None:
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_failed_write_leaves_the_file_as_it_was(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    before = journal.path.read_bytes()

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        if offset > len(before):
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:10], offset)

    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(CaseBankError, match=r"cannot write .*journal\.jsonl: No space left on device"):
        journal.append([CaseWritten(case=case("d"))])
    assert journal.path.read_bytes() == before
    assert case("d").id not in journal.ledger.entries
