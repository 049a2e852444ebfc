"""What the journal says about the case bank in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.printable import one_line

if TYPE_CHECKING:
    from memory.entries import Entry
    from memory.ledger import Ledger

MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class PolicyStats:
    """Tasks a policy chose cases for; `right` and `wrong` leave out those nobody could judge."""

    tasks: int
    right: int
    wrong: int
    cases_shown: int


@dataclass(frozen=True, slots=True)
class ShownCaseStats:
    """A case and how often it was shown."""

    id: str
    task: str
    times: int


@dataclass(frozen=True, slots=True)
class CaseStats:
    """Counts over every case that is not deleted; archived ones are counted too."""

    cases: int
    archived: int
    outcomes: dict[str, int]
    reward_sources: dict[str, int]
    namespaces: dict[str, int]
    policies: dict[str, PolicyStats]
    most_shown: list[ShownCaseStats]
    input_tokens: int
    output_tokens: int


def case_stats(ledger: Ledger) -> CaseStats:
    """Count."""
    entries = list(ledger.entries.values())
    rewards = Counter(entry.case.reward for entry in entries)
    shown = Counter(slot.case_id for entry in entries if entry.episode for slot in entry.episode.slate)
    return CaseStats(
        cases=len(entries),
        archived=sum(entry.archived for entry in entries),
        outcomes={"right": rewards[1], "wrong": rewards[0], "unknown": rewards[None]},
        reward_sources=dict(Counter(e.case.reward_source for e in entries if e.case.reward_source).most_common()),
        namespaces=dict(Counter(entry.case.namespace for entry in entries).most_common()),
        policies=_policies(entries),
        most_shown=[
            ShownCaseStats(id_, one_line(ledger.entries[id_].case.task, 80), times)
            for id_, times in shown.most_common(MOST_SHOWN)
            if id_ in ledger.entries
        ],
        input_tokens=sum(entry.case.input_tokens for entry in entries),
        output_tokens=sum(entry.case.output_tokens for entry in entries),
    )


def _policies(entries: list[Entry]) -> dict[str, PolicyStats]:
    found: dict[str, PolicyStats] = {}
    for policy in sorted({entry.episode.policy for entry in entries if entry.episode}):
        mine = [entry for entry in entries if entry.episode and entry.episode.policy == policy]
        found[policy] = PolicyStats(
            tasks=len(mine),
            right=sum(entry.case.reward == 1 for entry in mine),
            wrong=sum(entry.case.reward == 0 for entry in mine),
            cases_shown=sum(len(entry.episode.slate) for entry in mine if entry.episode),
        )
    return found
