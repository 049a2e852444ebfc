"""Namespaces of one home never mix: not in what is found, counted, learned or changed."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from configs.errors import InvalidInputError
from memory.case_bank import CaseBank
from memory.entries import Entry
from memory.episode import Episode, Shown
from memory.features import CONTEXT, FEATURES
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import QuickEmbedder, opened, quick_case, quick_episode, states

MINE = [quick_case(f"m{number}", number % 2, namespace="mine") for number in range(6)]  # type: ignore[arg-type]  # 0 or 1
YOURS = [quick_case(f"y{number}", number % 2, namespace="yours") for number in range(4)]  # type: ignore[arg-type]  # 0 or 1
SAME = [quick_case("same", 1, namespace=name) for name in ("mine", "yours")]


@pytest.fixture
def bank(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[CaseBank]:
    monkeypatch.setattr("memory.bank_files.make_embedder", lambda _: QuickEmbedder())
    with opened(settings()) as bank:
        draw = random.Random(0)
        ids = [case.id for case in MINE]
        bank.add([Entry(case, episode=quick_episode(draw, ids)) for case in MINE])
        bank.add([Entry(case, origin="import:y") for case in YOURS])
        bank.add([Entry(case) for case in SAME])
        yield bank


def test_each_finds_and_counts_its_own(bank: CaseBank) -> None:
    vector = bank.embed("task")
    for name, cases in (("mine", [*MINE, SAME[0]]), ("yours", [*YOURS, SAME[1]]), ("nobody's", [])):
        ids = {case.id for case in cases}
        assert {one.case_id for one in bank.nearest(name, vector, 50)} == ids
        assert {one.case_id for one in bank.roster(name)} == ids
        assert {one.case_id for one in bank.matches(name, "task m1 y1 same", vector, 50)} == ids
        words = [bank._files.lexical.search(name, case.task, 50) for case in [*MINE, *YOURS, *SAME]]
        assert {id_ for hits in words for id_, _ in hits} == ids
        solved = {one.id.partition(":")[0] for one in bank.nearest_subtasks(name, vector, 50)}
        assert solved == {case.id for case in cases if case.reward}
        assert bank.size(name) == bank.ledger.size(name) == len(ids)
        everything = [case.id for case in [*MINE, *YOURS, *SAME]]
        assert set(bank.cases(name, everything)) == set(bank.ledger.facts(name, everything)) == ids
    assert bank.ledger.ids_from("mine", "import") == []
    assert len(bank.ledger.ids_from("yours", "import")) == len(YOURS)


def test_nobody_changes_anothers_cases(bank: CaseBank) -> None:
    other = YOURS[1].id
    before = dict(bank.ledger.entries)
    for attempt in (
        lambda: bank.reward("mine", other, 0),
        lambda: bank.delete("mine", [MINE[0].id, other]),
        lambda: bank.set_archived("mine", [MINE[0].id, other], True),
    ):
        with pytest.raises(InvalidInputError, match=f"no case '{other}' in .*, namespace mine"):
            attempt()
    assert dict(bank.ledger.entries) == before


def test_an_episode_credits_no_case_of_another_namespace(bank: CaseBank) -> None:
    """Also one that claims to have shown it, and whatever becomes of that later."""
    facts, learned = bank.ledger.facts("mine", [case.id for case in MINE]), states(bank.ledger, "mine")
    slate = tuple(Shown(case_id=case.id, features=(0.5,) * len(FEATURES)) for case in MINE)
    claim = quick_case("claim", 1, namespace="yours")
    bank.add([Entry(claim, episode=Episode(context=(1.0,) * len(CONTEXT), slate=slate))])
    for change in (lambda: bank.reward("yours", claim.id, 0), lambda: bank.delete("yours", [claim.id])):
        assert bank.ledger.facts("mine", [case.id for case in MINE]) == facts
        assert states(bank.ledger, "mine") == learned
        change()
    assert bank.ledger.facts("mine", [case.id for case in MINE]) == facts
