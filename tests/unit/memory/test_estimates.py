"""What the bandit holds of each case, and what it holds of those it knows nothing of."""

from __future__ import annotations

from pathlib import Path

from memory.estimates import estimates, not_learned_yet
from memory.events import CaseWritten, Deleted
from memory.learner import Learner
from memory.lifecycle import from_source
from memory.policies.base import PolicyOptions
from tests.fakes.bank_events import case, episode, imported, write

GOOD, BAD, UNSEEN, PLAIN = (case(name) for name in ("good", "bad", "unseen", "plain"))
OPTIONS = PolicyOptions()


def lessons(name: str, times: int) -> list[CaseWritten]:
    """Tasks that succeed with GOOD and fail with BAD."""
    return [
        CaseWritten(case=case(f"{name} {number} {one.task}", int(one is GOOD)), episode=episode([one.id]))  # type: ignore[arg-type]  # 0 or 1
        for number in range(times)
        for one in (GOOD, BAD)
    ]


def test_only_cases_shown_with_features_have_an_estimate(tmp_path: Path) -> None:
    plain = CaseWritten(case=case("by cosine"), episode=episode([PLAIN.id], features=False))
    events = [*(CaseWritten(case=one) for one in (GOOD, BAD, UNSEEN, PLAIN)), plain, *lessons("task", 5)]
    found = estimates(write(tmp_path, events).ledger, "default", OPTIONS)
    good, bad = found.of(GOOD.id), found.of(BAD.id)
    assert good is not None and bad is not None
    assert good.value > 0 > bad.value
    assert good.sd < found.unseen.sd
    assert good.lower < good.value < good.upper
    assert found.of(UNSEEN.id) is None
    assert found.of(PLAIN.id) is None, "0 ± prior is no estimate"


def test_a_snapshot_covers_what_was_learned_until_the_past_changes(tmp_path: Path) -> None:
    written = lessons("task", 150)
    journal = write(tmp_path, [*(CaseWritten(case=one) for one in (GOOD, BAD)), *written])
    assert not_learned_yet(journal.ledger, "default") == 300
    estimates(journal.ledger, "default", OPTIONS)
    assert not_learned_yet(journal.ledger, "default") == 0
    journal.append(lessons("later", 1))
    assert not_learned_yet(journal.ledger, "default") == 2
    journal.append([Deleted(case_ids=(written[0].case.id,))])
    assert not_learned_yet(journal.ledger, "default") == 301


def test_what_is_purged_has_never_taught(tmp_path: Path) -> None:
    own = [*(CaseWritten(case=one) for one in (GOOD, BAD)), *lessons("own", 3)]
    poison = [imported(case(f"poison {n}", 0), "bad.jsonl", vouched=True, shown=[GOOD.id]) for n in range(9)]
    without = write(tmp_path / "without", own).ledger
    journal = write(tmp_path / "with", [*own[:4], *poison, *own[4:]])
    learner = Learner(OPTIONS)
    taught = learner.current("bandit", "default", journal.ledger).policy.state_dict()
    ids, _ = from_source(journal.ledger, "default", "import:bad.jsonl", descendants=False)
    journal.append([Deleted(case_ids=tuple(ids))])
    purged = learner.current("bandit", "default", journal.ledger).policy.state_dict()
    assert taught != purged == Learner(OPTIONS).current("bandit", "default", without).policy.state_dict()
