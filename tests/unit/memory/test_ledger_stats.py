"""Counts of a namespace from the ledger's tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from memory import ledger_stats
from memory.events import ArchiveChanged, CaseWritten, Deleted, FeedbackGiven
from memory.ledger import Ledger
from memory.ledger_stats import Origin, Totals
from tests.fakes.bank_events import case, episode, imported, write

FIRST, AGAIN = case("a", 1, run="1", at=1), case("a", 1, run="2", at=2)
WRONG, UNKNOWN, ARCHIVED = case("a", 0, run="3", at=3), case("b", None, at=4), case("c", 0, at=5)
FOREIGN = case("a", 1, namespace="other", source="person")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return write(
        tmp_path,
        [
            CaseWritten(case=FIRST),
            CaseWritten(case=AGAIN, episode=episode([FIRST.id])),
            CaseWritten(case=WRONG, episode=episode([FIRST.id])),
            CaseWritten(case=UNKNOWN, episode=episode([FIRST.id])),
            CaseWritten(case=ARCHIVED, archived=True),
            CaseWritten(case=FOREIGN),
            CaseWritten(case=(gone := case("gone", 1, at=9))),
            Deleted(case_ids=(gone.id,)),
        ],
    ).ledger


def test_totals_tell_copies_from_archived_and_namespaces_apart(ledger: Ledger) -> None:
    mine = Totals(cases=5, retrievable=2, archived=1, copies=1, right=2, wrong=2, unknown=1)
    assert ledger_stats.totals(ledger, "default") == mine
    assert ledger_stats.totals(ledger, "nobody") == Totals()
    assert ledger_stats.totals_by_namespace(ledger) == {
        "default": mine,
        "other": Totals(cases=1, retrievable=1, right=1),
    }
    assert ledger_stats.reward_sources(ledger, "default") == {"judge": 4}
    assert ledger_stats.reward_sources(ledger, "other") == {"person": 1}


def test_records_count_uses_and_what_became_of_them(ledger: Ledger) -> None:
    (record,) = ledger_stats.records(ledger, "default", least_uses=1)
    assert (record.case_id, record.uses, record.judged, record.wins) == (FIRST.id, 3, 2, 1)
    assert {one.case_id for one in ledger_stats.records(ledger, "default")} == {FIRST.id, WRONG.id}
    assert ledger_stats.most_shown(ledger, "default", 5) == [(FIRST.id, 3)]


def test_trust_is_that_of_the_policies(ledger: Ledger) -> None:
    facts = ledger.facts("default", [FIRST.id, WRONG.id])
    for record in ledger_stats.records(ledger, "default"):
        assert record.trust == facts[record.case_id].trust


def test_a_case_is_wanted_when_written_written_again_and_shown(ledger: Ledger) -> None:
    times = ledger_stats.wanted_times(ledger, "default")
    assert sorted(at for id_, at in times if id_ == FIRST.id) == [1, 2, 2, 3, 4]
    assert [at for id_, at in times if id_ == WRONG.id] == [3]
    assert ledger_stats.with_copies(ledger, [WRONG.id, FIRST.id]) == [WRONG.id, FIRST.id, AGAIN.id]


def test_origins_with_their_trust(tmp_path: Path) -> None:
    cases = [case(f"task {number}", (1, 0, None)[number % 3]) for number in range(6)]
    journal = write(tmp_path, [imported(one, "a.jsonl", vouched=number < 3) for number, one in enumerate(cases)])
    journal.append([CaseWritten(case=case("own", 1, source="ground_truth"))])
    # vouched: judged by a judge 0.7, unknown 0.5; unvouched 0.3
    first, own = ledger_stats.origins(journal.ledger, "default")
    assert first.trust == pytest.approx((0.7 + 0.7 + 0.5 + 3 * 0.3) / 6)
    assert replace(first, trust=0.0) == Origin("import:a.jsonl", 6, 2, 2, 2, 0.0, 3)
    assert own == Origin("run", 1, 1, 0, 0, 1.0, 0)


def test_learning_is_cut_into_equal_stretches_of_judged_runs(tmp_path: Path) -> None:
    runs = [CaseWritten(case=case(f"run {number}", int(number >= 60), at=number)) for number in range(1, 101)]  # type: ignore[arg-type]  # 0 or 1
    journal = write(tmp_path, [*runs, imported(case("not run", 0, at=50)), CaseWritten(case=case("?", None, at=51))])
    parts = ledger_stats.learning(journal.ledger, "default")
    assert [(part.start, part.end, part.tasks) for part in parts] == [(at, at + 9, 10) for at in range(1, 101, 10)]
    assert [part.share for part in parts] == [0, 0, 0, 0, 0, 0.1, 1, 1, 1, 1]
    journal.append([FeedbackGiven(case_id=runs[0].case.id, reward=1)])
    assert ledger_stats.learning(journal.ledger, "default")[0].right == 1


def test_there_are_at_most_twenty_stretches_and_none_of_nothing(tmp_path: Path) -> None:
    journal = write(tmp_path, [CaseWritten(case=case(f"run {number}", 1, at=number)) for number in range(1000)])
    parts = ledger_stats.learning(journal.ledger, "default")
    assert len(parts) == 20 and sum(part.tasks for part in parts) == 1000
    assert ledger_stats.learning(journal.ledger, "other") == []


def test_archived_cases_are_not_records(ledger: Ledger, tmp_path: Path) -> None:
    write(tmp_path, [ArchiveChanged(kind="archived", case_ids=(FIRST.id, AGAIN.id))])
    journal = write(tmp_path, [])
    assert [one.case_id for one in ledger_stats.records(journal.ledger, "default")] == [WRONG.id]
