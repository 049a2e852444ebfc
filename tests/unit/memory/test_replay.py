"""The ledger is a function of the journal: however it is folded, the same tables and the same learned policies."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from memory.case import Case, Reward
from memory.case_bank import CaseBank
from memory.episode import Episode
from memory.events import ArchiveChanged, CaseWritten, Deleted, Event, FeedbackGiven
from memory.journal import FILE, Journal
from memory.learner import Learner
from memory.ledger import Ledger
from memory.policies.base import PolicyOptions
from memory.policies.registry import make_policy
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import LEARNING, QuickEmbedder, assert_agreement, quick_case, quick_episode, states, tables
from tests.project_files import ROOT

NAMESPACES = ("default", "other")
IN_ANOTHER_PROCESS = """
import json, sys
from pathlib import Path
from memory.journal import replay
from tests.fakes.quick_bank import states, tables
ledger = replay(Path(sys.argv[1]))
print(json.dumps([repr(tables(ledger)), states(ledger, "default"), states(ledger, "other")]))
"""


def random_events(seed: int, number: int = 120) -> list[Event]:
    """Writes, duplicates, second writings, feedback, archiving and deletions, in two namespaces; some about nothing."""
    draw = random.Random(seed)
    events: list[Event] = []
    written: list[tuple[str, int, str, str]] = []
    rewards: tuple[Reward | None, ...] = (0, 1, 1, None)
    for at in range(number):
        ids = [quick_case(f"n{n}", namespace=ns, run=run).id for _, n, ns, run in written]
        pick = [*draw.sample(ids, min(len(ids), 3)), *(["unknown"] if draw.random() < 0.1 else [])]
        kind = draw.choice(("case", "case", "case", "again", "feedback", "feedback", "archived", "restored", "deleted"))
        if kind == "case" or not ids:
            one = ("", draw.randrange(number // 3), draw.choice(NAMESPACES), str(draw.randrange(3)))
            written.append(one)
        elif kind == "again":
            one = draw.choice(written)
        if kind in ("case", "again") or not ids:
            case = quick_case(f"n{one[1]}", draw.choice(rewards), namespace=one[2], run=one[3])
            origin, vouched = draw.choice((("", False), ("", False), ("import:a.jsonl", False), ("import:b", True)))
            events.append(
                CaseWritten(
                    at=at, case=case, episode=draw.choice((None, quick_episode(draw, pick), quick_episode(draw, ids))),
                    archived=draw.random() < 0.1, origin=origin, vouched=vouched,
                )
            )  # fmt: skip
        elif kind == "feedback":
            source = draw.choice(("person", "verifier", "judge"))
            events += [FeedbackGiven(at=at, case_id=pick[0], reward=draw.choice((0, 1)), source=source)] * draw.choice(
                (1, 2)
            )
        elif kind == "deleted":
            events.append(Deleted(at=at, case_ids=tuple(pick[:2])))
        else:
            events.append(ArchiveChanged(at=at, kind=kind, case_ids=tuple(pick)))
    return events


def folded(folder: Path, events: Sequence[Event], cuts: Callable[[], int]) -> Ledger:
    """A journal in a new folder, written in batches of `cuts()` events."""
    folder.mkdir()
    journal, rest = Journal(folder), list(events)
    while rest:
        size = cuts()
        journal.refresh()
        journal.append(rest[:size])
        del rest[:size]
    return journal.ledger


def taught(ledger: Ledger, namespace: str) -> dict[str, dict[str, Any]]:
    """Fresh policies that see every case that is left, in order, with the outcome it has now."""
    policies = {name: make_policy(name, PolicyOptions(seed=0)) for name in LEARNING}
    learned = {row[0] for row in ledger.store.rows("SELECT id FROM cases WHERE learned")}
    for entry in list(ledger.entries.values()):
        if entry.case.namespace == namespace and entry.case.reward is not None and entry.case.id in learned:
            assert entry.episode is not None
            for policy in policies.values():
                policy.update(entry.case, entry.episode)
    return {name: policy.state_dict() for name, policy in policies.items()}


@pytest.mark.parametrize("seed", range(8))
def test_however_it_is_folded_the_ledger_is_the_same(seed: int, tmp_path: Path) -> None:
    events, draw = random_events(seed), random.Random(seed)
    one_by_one = folded(tmp_path / "each", events, lambda: 1)
    at_once = folded(tmp_path / "once", events, lambda: len(events))
    in_cuts = folded(tmp_path / "cuts", events, lambda: draw.randint(1, 30))
    expected = tables(at_once)
    assert tables(one_by_one) == expected
    assert tables(in_cuts) == expected
    counters = at_once.store.rows(
        "SELECT min(uses), min(judged), min(wins), min(judged - wins), min(uses - judged) FROM cases"
    )
    assert min(counters[0]) >= 0, counters
    for namespace in NAMESPACES:
        assert states(one_by_one, namespace) == states(at_once, namespace) == taught(at_once, namespace)


def test_another_process_folds_and_learns_the_same(tmp_path: Path) -> None:
    ledger = folded(tmp_path / "here", random_events(99), lambda: 7)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / FILE).write_bytes((tmp_path / "here" / FILE).read_bytes())
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "there")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert json.loads(done.stdout) == [repr(tables(ledger)), states(ledger), states(ledger, "other")]


@pytest.mark.parametrize("seed", range(3))
def test_a_learner_that_follows_is_where_one_that_starts_anew_is(seed: int, tmp_path: Path) -> None:
    """Through corrections, deletions and snapshots, at every step."""
    learner, journal, draw = Learner(PolicyOptions(seed=0)), Journal(tmp_path), random.Random(seed)
    events = random_events(seed, 60)
    while events:
        size = draw.randint(1, 5)
        journal.append(events[:size])
        del events[:size]
        now = {name: learner.current(name, "default", journal.ledger) for name in LEARNING}
        assert {name: one.policy.state_dict() for name, one in now.items()} == taught(journal.ledger, "default")
        if draw.random() < 0.3:
            learner.save(journal.ledger)
            learner = Learner(PolicyOptions(seed=0))


def test_feedback_days_later_is_having_known_at_once(tmp_path: Path) -> None:
    draw = random.Random(5)
    cases: list[Case] = []
    episodes: list[Episode] = []
    for number in range(20):
        episodes.append(quick_episode(draw, [case.id for case in cases]))
        cases.append(quick_case(f"n{number}", None if number % 3 else 1))
    final: list[Reward] = [draw.choice((0, 1)) for _ in cases]
    told = [CaseWritten(case=case, episode=episode) for case, episode in zip(cases, episodes, strict=True)]
    later = [
        FeedbackGiven(case_id=case.id, reward=reward, source="judge") for case, reward in zip(cases, final, strict=True)
    ]
    draw.shuffle(later)
    knew = [
        event.model_copy(update={"case": event.case.model_copy(update={"reward": reward})})
        for event, reward in zip(told, final, strict=True)
    ]
    after, at_once = folded(tmp_path / "after", [*told, *later], lambda: 3), folded(tmp_path / "knew", knew, lambda: 3)
    assert states(after) == states(at_once)
    ids = [case.id for case in cases]
    assert after.facts("default", ids) == at_once.facts("default", ids)


@pytest.mark.parametrize("seed", range(3))
def test_a_deleted_case_has_taught_nothing(seed: int, tmp_path: Path) -> None:
    events = [event for event in random_events(seed) if isinstance(event, CaseWritten)]
    ledger = folded(tmp_path / "all", events, lambda: 9)
    gone = set(ledger.ids_from("default", "import")) | set(ledger.ids_from("default", "run")[::3])
    purged = folded(tmp_path / "purged", [*events, Deleted(case_ids=tuple(gone))], lambda: 9)
    never = folded(tmp_path / "never", [event for event in events if event.case.id not in gone], lambda: 9)
    assert states(purged) == states(never)
    assert purged.count("default", "judged") == never.count("default", "judged")
    assert purged.count("default", "wins") == never.count("default", "wins")
    left = [entry.case.id for entry in never.entries.values()]
    assert purged.facts("default", left) == never.facts("default", left)


@pytest.mark.parametrize("seed", range(2))
def test_bank_and_indexes_agree_after_random_events(
    seed: int, settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also when the events were written while nobody kept the indexes, in any number at a time."""
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    home = settings().home
    home.mkdir()
    events = random_events(seed, 90)
    for at in range(0, len(events), 45):
        journal = Journal(home)
        journal.refresh()
        journal.append(events[at : at + 45])
        journal.close()
        bank = CaseBank(settings())
        try:
            for namespace in NAMESPACES:
                assert_agreement(bank, home, tmp_path / f"{at}{namespace}", namespace)
        finally:
            bank.close()
