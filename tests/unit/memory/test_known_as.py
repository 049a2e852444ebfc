"""A case is found by the run and the thread it is from, within its namespace."""

from __future__ import annotations

from pathlib import Path

from memory.case import Case, case_id
from memory.episode import Episode, Shown
from memory.events import CaseWritten, Deleted
from memory.journal import Journal, replay
from memory.ledger_store import FILE


def case(run: str, *, thread: str = "", trace: str = "", namespace: str = "default") -> Case:
    id_ = case_id("task", (), run, namespace)
    return Case(
        id=id_, task="task", plan=(), reward=1, namespace=namespace, run_id=run, thread_id=thread, trace_id=trace
    )


FIRST = case("m1", thread="t", trace="r1")
SECOND = case("m2", thread="t", trace="r2")
OTHERS = case("m1", thread="t", trace="r1", namespace="other")
NAMELESS = case("")


def test_the_latest_case_of_a_run_or_thread(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([CaseWritten(case=each) for each in (FIRST, SECOND, OTHERS, NAMELESS)])
    for ledger in (journal.ledger, replay(tmp_path)):
        assert ledger.latest_of("default", "thread", "t") == SECOND.id
        assert ledger.latest_of("default", "run", "m1") == ledger.latest_of("default", "run", "r1") == FIRST.id
        assert ledger.latest_of("other", "run", "r1") == ledger.latest_of("other", "thread", "t") == OTHERS.id
        assert ledger.latest_of("default", "run", "t") is ledger.latest_of("default", "run", "") is None
    journal.append([Deleted(case_ids=(SECOND.id,))])
    assert journal.ledger.latest_of("default", "thread", "t") == FIRST.id
    assert journal.ledger.latest_of("default", "run", "r2") is None
    journal.append([CaseWritten(case=SECOND)])
    assert journal.ledger.latest_of("default", "thread", "t") == SECOND.id


def test_a_ledger_made_before_cases_had_names_is_made_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([CaseWritten(case=FIRST)])
    with journal.ledger.store.writing() as database:
        database.execute("DROP TABLE known_as")
        database.execute("UPDATE meta SET value = '1' WHERE key = 'format'")
    journal.close()
    assert (tmp_path / FILE).exists()
    assert replay(tmp_path).latest_of("default", "thread", "t") == FIRST.id


def test_an_episode_moves_the_trust_of_its_own_namespaces_cases_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    shown = tuple(Shown(case_id=each.id, score=1.0) for each in (FIRST, OTHERS))
    claims = CaseWritten(case=case("m3"), episode=Episode(policy="cosine", slate=shown))
    journal.append([CaseWritten(case=FIRST), CaseWritten(case=OTHERS), claims])
    assert journal.ledger.facts("default", [FIRST.id])[FIRST.id].uses == 1
    assert journal.ledger.facts("other", [OTHERS.id])[OTHERS.id].uses == 0
