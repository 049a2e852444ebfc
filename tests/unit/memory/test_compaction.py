"""Compaction: what deleted cases said is gone from the journal, and nothing else is."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from configs.errors import CaseBankError
from memory import compaction
from memory.case_bank import CaseBank
from memory.compaction import SUFFIX
from memory.entries import Entry
from memory.events import LINE, ArchiveChanged, CaseWritten, Deleted, Event, FeedbackGiven
from memory.journal import FILE, Journal
from memory.ledger import Ledger
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, assert_agreement, entries, quick_case, quick_episode, states

KEPT, GONE, AGAIN, OTHER = (quick_case(name) for name in ("kept", "gone", "again", "other"))
NEW_AGAIN = AGAIN.model_copy(update={"answer": "a later answer"})


def some_events() -> list[Event]:
    draw = random.Random(5)
    return [
        CaseWritten(at=1, case=KEPT, episode=quick_episode(draw, [])),
        CaseWritten(at=2, case=GONE, episode=quick_episode(draw, [KEPT.id])),
        CaseWritten(at=3, case=AGAIN.model_copy(update={"answer": "an early answer"})),
        CaseWritten(at=4, case=OTHER, episode=quick_episode(draw, [KEPT.id, GONE.id, AGAIN.id])),
        FeedbackGiven(at=5, case_id=GONE.id, reward=0, note="a note about it"),
        FeedbackGiven(at=6, case_id=KEPT.id, reward=0, note="a note to keep"),
        ArchiveChanged(at=7, kind="archived", case_ids=(GONE.id,)),
        ArchiveChanged(at=8, kind="archived", case_ids=(GONE.id, OTHER.id, AGAIN.id)),
        ArchiveChanged(at=9, kind="restored", case_ids=(OTHER.id, "unknown")),
        Deleted(at=10, case_ids=(GONE.id, "unknown", AGAIN.id)),
        CaseWritten(at=11, case=NEW_AGAIN, episode=quick_episode(draw, [KEPT.id, GONE.id])),
        ArchiveChanged(at=12, kind="archived", case_ids=(AGAIN.id,)),
    ]


def written(home: Path, events: Sequence[Event]) -> Journal:
    home.mkdir(exist_ok=True)
    journal = Journal(home)
    journal.append(events)
    return journal


def view(ledger: Ledger) -> list[Any]:
    """What a journal adds up to, but for where its lines are."""
    columns = (
        "id, namespace, reward, source, archived, indexed, twin, created_at, plan_length, subtasks, origin, prior,"
        " learned, uses, judged, wins"
    )
    cases = ledger.store.rows(f"SELECT {columns} FROM cases WHERE NOT deleted ORDER BY seq")  # noqa: S608  # fixed
    shown = ledger.store.rows(
        "SELECT cases.id, case_id FROM shown JOIN cases USING (seq) WHERE NOT deleted ORDER BY 1, 2"
    )
    counts = ledger.store.rows("SELECT * FROM counts WHERE kind <> 'epoch' AND n <> 0 ORDER BY 1, 2")
    read = [(entry.case, entry.episode) for entry in ledger.entries.values()]
    return [cases, shown, counts, read, states(ledger)]


def test_only_lines_about_deleted_cases_go(tmp_path: Path) -> None:
    journal = written(tmp_path, some_events())
    before, data = view(journal.ledger), journal.path.read_bytes()
    done = journal.compact()
    lines = data.splitlines(keepends=True)
    archived = LINE.dump_json(ArchiveChanged(at=8, kind="archived", case_ids=(OTHER.id,))) + b"\n"
    deleted = LINE.dump_json(Deleted(at=10, case_ids=("unknown",))) + b"\n"
    kept = [lines[0], lines[3], lines[5], archived, lines[8], deleted, lines[10], lines[11]]
    assert journal.path.read_bytes() == b"".join(kept)
    assert (done.bytes_before, done.bytes_after, done.cases_erased) == (len(data), len(b"".join(kept)), 2)
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert view(journal.ledger) == before
    inode = journal.path.stat().st_ino
    assert journal.compact().cases_erased == 0 and journal.path.stat().st_ino == inode, "there is nothing more to do"
    assert not journal.path.with_name(FILE + SUFFIX).exists()


@pytest.mark.parametrize("seed", range(6))
def test_every_journal_adds_up_to_the_same_afterwards(seed: int, tmp_path: Path) -> None:
    draw, events, ids = random.Random(seed), list[Event](), list[str]()
    for at in range(120):
        kind = draw.choice(("case", "case", "case", "feedback", "archived", "restored", "deleted"))
        pick = tuple(draw.sample(ids, min(len(ids), 3)))
        if kind == "case" or not pick:
            one = quick_case(f"n{draw.randrange(40)}", draw.choice((0, 1, None)), run=str(draw.randrange(2)))
            ids.append(one.id)
            events.append(CaseWritten(at=at, case=one, episode=draw.choice((None, quick_episode(draw, ids)))))
        elif kind == "feedback":
            events.append(FeedbackGiven(at=at, case_id=pick[0], reward=draw.choice((0, 1))))
        elif kind == "deleted":
            events.append(Deleted(at=at, case_ids=pick[:2]))
        else:
            events.append(ArchiveChanged(at=at, kind=kind, case_ids=pick))
    journal = written(tmp_path, events)
    before = view(journal.ledger)
    assert journal.compact().cases_erased > 3
    assert view(journal.ledger) == before
    assert not journal.ledger.store.rows("SELECT 1 FROM cases WHERE deleted")


def test_another_process_that_has_the_old_journal_open_notices(tmp_path: Path) -> None:
    journal, other = written(tmp_path, some_events()), Journal(tmp_path)
    other.refresh()
    stale, rows = other.ledger, other.ledger.entry_rows([OTHER.id])
    expected = view(other.ledger)
    journal.compact()
    assert other.replaced and not journal.replaced
    with pytest.raises(CaseBankError):
        list(stale.read(rows))
    other.refresh()
    assert not other.replaced and view(other.ledger) == expected
    other.append([CaseWritten(case=quick_case("more"))])
    journal.refresh()
    assert view(journal.ledger) == view(other.ledger) and quick_case("more").id in journal.ledger.entries


def test_a_line_that_moved_is_not_taken_for_another_case(tmp_path: Path) -> None:
    """Lines of equal length: where one case was, the next is now."""
    cases = [quick_case(f"n{n}") for n in range(4)]
    journal, other = written(tmp_path, [CaseWritten(at=1, case=one) for one in cases]), Journal(tmp_path)
    other.refresh()
    rows = other.ledger.entry_rows([cases[1].id])
    journal.append([Deleted(case_ids=(cases[0].id,))])
    journal.compact()
    with pytest.raises(CaseBankError, match="not there"):
        list(other.ledger.read(rows))


@pytest.mark.parametrize(
    ("stage", "is_new"), [("write", False), ("before", False), ("after", True), ("synced", True), ("ledger", True)]
)
def test_a_crash_leaves_the_old_journal_or_the_new_one(stage: str, is_new: bool, tmp_path: Path) -> None:
    old = written(tmp_path / "home", some_events()).path.read_bytes()
    whole = written(tmp_path / "whole", some_events())
    whole.compact()
    process = os.fork()
    if process == 0:
        _die_at(stage)
        Journal(tmp_path / "home").compact()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 9
    path = tmp_path / "home" / FILE
    assert path.read_bytes() == (whole.path.read_bytes() if is_new else old)
    journal = Journal(tmp_path / "home")
    journal.append([CaseWritten(at=20, case=quick_case("next"))])
    whole.append([CaseWritten(at=20, case=quick_case("next"))])
    assert view(journal.ledger) == view(whole.ledger)
    journal.compact()
    assert path.read_bytes() == whole.path.read_bytes()
    assert not path.with_name(FILE + SUFFIX).exists()


def _die_at(stage: str) -> None:
    """In a process of its own: end it without any clean-up when compaction gets there."""
    replace, sync = Path.replace, compaction.sync_folder
    patch = pytest.MonkeyPatch()
    match stage:
        case "write":
            patch.setattr("memory.compaction.os.fsync", lambda _: os._exit(9))
        case "before":
            patch.setattr(Path, "replace", lambda *_: os._exit(9))
        case "after":
            patch.setattr(Path, "replace", lambda old, new: (replace(old, new), os._exit(9)))
        case "synced":
            patch.setattr(compaction, "sync_folder", lambda folder: (sync(folder), os._exit(9)))
        case "ledger":
            patch.setattr("memory.journal.discard", lambda _: os._exit(9))


def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = written(tmp_path, some_events())
    before, data = view(journal.ledger), journal.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(CaseBankError, match="No space left"):
        patch.setattr("memory.compaction.os.fsync", full)
        journal.compact()
    assert journal.path.read_bytes() == data and view(journal.ledger) == before
    assert not journal.path.with_name(FILE + SUFFIX).exists()


def test_the_bank_is_in_line_and_says_nothing_of_them_anywhere(
    settings: SettingsFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    chosen = settings()
    bank = CaseBank(chosen)
    cases = [*entries("ABcdEFgh"), Entry(quick_case("quokka"))]
    bank.add(cases)
    alone = Entry(quick_case("wombats", namespace="elsewhere"))
    bank.add([alone])
    gone = [cases[1].case.id, cases[-1].case.id]
    bank.delete("default", gone)
    bank.delete("elsewhere", [alone.case.id])
    before = states(bank.ledger)
    done = bank.compact()
    assert done.cases_erased == 3 and done.bytes_after < done.bytes_before
    assert states(bank.ledger) == before
    found = assert_agreement(bank, chosen.home, tmp_path / "fresh")
    assert set(found) == {one.case.id for one in cases} - set(gone)
    assert not bank.nearest("elsewhere", bank.embed("task wombats"), 5)
    bank.add([Entry(quick_case("dugongs"))])
    bank.close()
    told = b"".join(path.read_bytes() for path in chosen.home.rglob("*") if path.is_file())
    assert b"quokka" not in told and b"wombats" not in told and b"dugongs" in told
