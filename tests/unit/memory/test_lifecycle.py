"""Forgetting keeps what is likely to be of use and one of every kind; a source goes with what was built on it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from configs.errors import InvalidInputError
from memory.clusters import Clusters, find_clusters, sketches
from memory.estimates import Estimates, estimates
from memory.events import ArchiveChanged, CaseWritten
from memory.ledger import Ledger
from memory.ledger_stats import records, with_copies
from memory.lifecycle import HALF_LIFE_DAYS, Prospect, decayed, from_source, prospects, to_forget
from memory.policies.base import PolicyOptions
from tests.fakes.bank_events import DAY, case, episode, imported, write

OPTIONS = PolicyOptions()


class Known:
    """Estimates as given; what is not given was never shown."""

    def __init__(self, **known: tuple[float, float]) -> None:
        self._known = known

    def worth(self, case_id: str) -> tuple[float, float]:
        return self._known.get(case_id, (0.0, 1.4))


def ordered(ledger: Ledger, known: Known | None = None) -> list[Prospect]:
    return prospects(ledger, "default", Estimates(known or Known()))


def clusters(ledger: Ledger, found: list[Prospect]) -> Clusters:
    by_id = {one.case_id: one for one in sketches(ledger, "default")}
    return find_clusters([by_id[one.case_id] for one in found])


def test_uses_halve_with_every_half_life_before_the_newest() -> None:
    newest = 1000 * DAY
    times = [("new", newest), ("old", newest - HALF_LIFE_DAYS * DAY), ("old", newest - 2 * HALF_LIFE_DAYS * DAY)]
    assert decayed(times) == pytest.approx({"new": 1.0, "old": 0.75})
    assert decayed([]) == {}


def test_expected_use_is_wanted_by_value_by_trust(tmp_path: Path) -> None:
    good, bad, doubtful, unseen = (case(name) for name in ("good", "bad", "doubtful", "unseen"))
    show = CaseWritten(case=case("task", None), episode=episode([good.id, bad.id, doubtful.id]))
    events = [*(CaseWritten(case=one) for one in (good, bad, unseen)), imported(doubtful, "x.jsonl"), show]
    known = Known(**{good.id: (1.0, 0.5), bad.id: (-2.0, 0.5), doubtful.id: (1.0, 0.5)})
    found = {one.case_id: one for one in ordered(write(tmp_path, events).ledger, known)}
    assert found[good.id].expected_use == pytest.approx(2 * 0.8176 * 0.7, abs=1e-3)  # σ(1.5)
    assert found[bad.id].expected_use == pytest.approx(2 * 0.1824 * 0.7, abs=1e-3)  # σ(-1.5)
    assert found[doubtful.id].expected_use == pytest.approx(2 * 0.8176 * 0.3, abs=1e-3)
    assert found[unseen.id].expected_use == pytest.approx(1 * 0.8022 * 0.7, abs=1e-3)  # σ(1.4)
    assert found[unseen.id].estimate is None
    assert next(iter(found)) == good.id


def test_one_of_each_kind_stays_until_fewer_are_kept_than_there_are_kinds(tmp_path: Path) -> None:
    common = [case("common", run=str(n), plan=f"look it up there {n}", at=n * DAY) for n in range(6)]
    rare = [case(f"rare {n}", source="import", at=n * DAY) for n in range(2)]
    shows = [CaseWritten(case=case(f"t{n}", None), episode=episode([one.id for one in common])) for n in range(9)]
    ledger = write(tmp_path, [*(CaseWritten(case=one) for one in (*common, *rare)), *shows]).ledger
    found = ordered(ledger)
    assert {one.case_id for one in found[-2:]} == {one.id for one in rare}, "the rare ones are of least expected use"
    groups = clusters(ledger, found).representative
    for keep, gone in ((8, 0), (99, 0), (5, 3), (3, 5)):
        going = to_forget(found, groups, keep)
        assert len(going) == gone
        assert all(one in common for one in common if one.id in {each.case_id for each in going})
        assert not {one.id for one in rare} & {each.case_id for each in going}
    assert [one.case_id for one in to_forget(found, groups, 1)][5:] == [rare[0].id, rare[1].id]
    assert len(to_forget(found, groups, 0)) == 8


def test_a_forgotten_case_takes_its_copies_with_it_and_comes_back(tmp_path: Path) -> None:
    first, copy, other = case("a", run="1"), case("a", run="2"), case("b", source="ground_truth")
    journal = write(tmp_path, [CaseWritten(case=one) for one in (first, copy, other)])
    found = ordered(journal.ledger)
    assert [one.wanted for one in found if one.case_id == first.id] == [2.0], "a copy says that the task came again"
    ids = with_copies(journal.ledger, [first.id])
    journal.append([ArchiveChanged(kind="archived", case_ids=tuple(ids))])
    assert journal.ledger.size("default") == 1, "the copy did not take its place"
    journal.append([ArchiveChanged(kind="restored", case_ids=tuple(ids))])
    assert list(journal.ledger.eligible("default")) == [first.id, other.id]


def test_a_hard_stream_empties_a_bank_kept_by_win_rate_and_not_ours(tmp_path: Path) -> None:
    """23% of the tasks succeed. Some cases help, but even with them most tasks fail."""
    draw = random.Random(4)
    kinds = [[case(f"kind {kind}", run=str(n), plan=f"way {n} of {kind}") for n in range(4)] for kind in range(15)]
    bank = [one for kind in kinds for one in kind]
    helpful = {kind[0].id for kind in kinds}
    events = [CaseWritten(case=one) for one in bank]
    wins = 0
    for number in range(900):
        shown = draw.sample(kinds[number % 15], 2)
        chance = 0.33 if any(one.id in helpful for one in shown) else 0.13
        reward = draw.random() < chance
        wins += reward
        task = case(f"task {number}", 1 if reward else 0, source="ground_truth").model_copy(update={"plan": ()})
        events.append(CaseWritten(case=task, episode=episode([one.id for one in shown]), archived=True))
    ledger = write(tmp_path, events).ledger
    assert 0.21 < wins / 900 < 0.25
    by_win_rate = [one for one in records(ledger, "default") if one.wins >= one.judged / 2]
    assert len(by_win_rate) <= 3, "raw win rate leaves next to nothing of 60 cases"

    found = prospects(ledger, "default", estimates(ledger, "default", OPTIONS))
    groups = clusters(ledger, found).representative
    gone = {one.case_id for one in to_forget(found, groups, 20)}
    kept = [one for one in bank if one.id not in gone]
    assert len(kept) == 20
    assert {one.task for one in kept} == {f"kind {kind}" for kind in range(15)}, "every kind survives"
    assert sum(one.id in helpful for one in kept) >= 10, "and of most kinds the case that helps; 5 by chance"


def test_a_source_goes_with_what_was_built_on_it_directly_or_through_others(tmp_path: Path) -> None:
    bad = case("bad")
    child = case("child", parents=[bad.id, "unknown"])
    grandchild = case("grandchild", None, parents=[child.id])
    loop = case("loop", parents=[grandchild.id, "loop"])
    other, foreign = case("other", parents=["x"]), case("foreign", namespace="other", parents=[bad.id])
    runs = [CaseWritten(case=one) for one in (loop, child, grandchild, other, foreign)]
    ledger = write(tmp_path, [*runs, imported(bad, "bad.jsonl"), imported(case("fine"), "bad.jsonl2")]).ledger
    assert from_source(ledger, "default", "import:bad.jsonl", descendants=False) == ([bad.id], [])
    own, built_on = from_source(ledger, "default", "import:bad.jsonl", descendants=True)
    assert own == [bad.id] and set(built_on) == {child.id, grandchild.id, loop.id}
    assert len(from_source(ledger, "default", "import", descendants=False)[0]) == 2
    with pytest.raises(InvalidInputError, match=r"'import:none'; the origins in namespace default: run, import:bad"):
        from_source(ledger, "default", "import:none", descendants=False)
