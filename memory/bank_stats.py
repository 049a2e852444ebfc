"""A namespace of the case bank in numbers: what it holds, from whom, what it is worth, and whether it helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.clusters import MOST_COMPARED, Clusters, find_clusters, sketches
from memory.concentration import Concentration, concentration
from memory.entries import Entry
from memory.estimates import QUICKLY, Estimate, Estimates, estimates, not_learned_yet
from memory.events import RUN
from memory.ledger import Ledger
from memory.ledger_stats import (
    Origin,
    Record,
    Stretch,
    Totals,
    learning,
    most_shown,
    origins,
    records,
    reward_sources,
    totals,
)
from memory.lifecycle import prospects
from memory.policies.base import PolicyOptions

if TYPE_CHECKING:
    from memory.embedding import Vectors

MOST = 5
"""Cases in each list."""
RECENT = 500
"""The latest tasks whose policies and tokens are counted, because that takes reading their lines."""


@dataclass(frozen=True, slots=True)
class Useful:
    """A retrievable case that was shown, and what it is estimated to be worth."""

    record: Record
    estimate: Estimate
    task: str


@dataclass(frozen=True, slots=True)
class Worth:
    """The cases of largest lower and of smallest upper bound, out of `estimated`; `shown` ones may have no estimate.

    `waiting` episodes were not learned from because there are too many of them; then nothing is estimated.
    """

    shown: int = 0
    estimated: int = 0
    waiting: int = 0
    most: tuple[Useful, ...] = ()
    least: tuple[Useful, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyTasks:
    """Tasks a policy chose cases for; those nobody could judge are neither right nor wrong."""

    tasks: int = 0
    right: int = 0
    wrong: int = 0
    cases_shown: int = 0


@dataclass(frozen=True, slots=True)
class Recent:
    """The latest tasks that agents ran."""

    tasks: int
    policies: Mapping[str, PolicyTasks]
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class BankStats:
    """Everything `memento cases stats` tells; `clusters` is None where there are too many cases to look quickly."""

    namespace: str
    totals: Totals
    reward_sources: Mapping[str, int]
    origins: Sequence[Origin]
    learning: Sequence[Stretch]
    clusters: Clusters | None
    worth: Worth
    most_shown: Sequence[tuple[str, int, str]]
    concentration: Concentration
    recent: Recent


def bank_stats(
    ledger: Ledger,
    namespace: str,
    options: PolicyOptions,
    *,
    thorough: bool = False,
    vectors: Callable[[], Mapping[str, Vectors] | None] = lambda: None,
) -> BankStats:
    """Count and estimate, without a lock.

    Args:
        ledger: of the home.
        namespace: whose cases.
        options: of the policy that estimates.
        thorough: also do what takes long in a big bank: clusters of any number of cases, estimates from any number of
            episodes that no snapshot covers.
        vectors: gives unit vectors of tasks by case id for the clusters, or None to compare tasks by their words.

    Raises:
        CaseBankError: the journal cannot be read.
    """
    counted = totals(ledger, namespace)
    waiting = 0 if thorough else not_learned_yet(ledger, namespace)
    known = estimates(ledger, namespace, options) if waiting <= QUICKLY else None
    few = counted.retrievable <= MOST_COMPARED
    return BankStats(
        namespace,
        counted,
        reward_sources(ledger, namespace),
        origins(ledger, namespace),
        learning(ledger, namespace),
        clusters_of(ledger, namespace, known, vectors() if few else None) if few or thorough else None,
        _worth(ledger, namespace, known, waiting),
        _most_shown(ledger, namespace),
        concentration(ledger, namespace),
        _recent(ledger, namespace),
    )


def clusters_of(
    ledger: Ledger, namespace: str, known: Estimates | None, vectors: Mapping[str, Vectors] | None
) -> Clusters:
    """Near-duplicates of a namespace; the case of largest expected use stands for the others, else the oldest."""
    found = sketches(ledger, namespace)
    if known is not None:
        place = {one.case_id: number for number, one in enumerate(prospects(ledger, namespace, known))}
        found.sort(key=lambda sketch: place.get(sketch.case_id, len(place)))
    return find_clusters(found, vectors)


def _worth(ledger: Ledger, namespace: str, known: Estimates | None, waiting: int) -> Worth:
    shown = records(ledger, namespace, least_uses=1)
    if known is None:
        return Worth(len(shown), waiting=waiting)
    found = [(record, estimate) for record in shown if (estimate := known.of(record.case_id)) is not None]
    best = sorted(found, key=lambda one: (-one[1].lower, one[0].case_id))
    worst = sorted(found, key=lambda one: (one[1].upper, one[0].case_id))
    most = best[: min(MOST, (len(best) + 1) // 2)]
    least = worst[: min(MOST, len(best) // 2)]
    tasks = _tasks(ledger, [record.case_id for record, _ in [*most, *least]])
    named = [
        tuple(Useful(record, estimate, tasks[record.case_id]) for record, estimate in part) for part in (most, least)
    ]
    return Worth(len(shown), len(found), 0, named[0], named[1])


def _most_shown(ledger: Ledger, namespace: str) -> list[tuple[str, int, str]]:
    found = most_shown(ledger, namespace, MOST)
    tasks = _tasks(ledger, [case_id for case_id, _ in found])
    return [(case_id, uses, tasks[case_id]) for case_id, uses in found]


def _tasks(ledger: Ledger, ids: Sequence[str]) -> dict[str, str]:
    return {entry.case.id: entry.case.task for entry in ledger.read(ledger.entry_rows(ids))}


def _recent(ledger: Ledger, namespace: str) -> Recent:
    sql = "SELECT * FROM entries WHERE namespace = ? AND origin = ? ORDER BY seq DESC LIMIT ?"
    entries = list(ledger.read(ledger.store.rows(sql, (namespace, RUN, RECENT))))
    policies: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.episode is not None:
            policies.setdefault(entry.episode.policy, []).append(entry)
    return Recent(
        len(entries),
        {policy: _policy_tasks(policies[policy]) for policy in sorted(policies)},
        sum(entry.case.input_tokens for entry in entries),
        sum(entry.case.output_tokens for entry in entries),
    )


def _policy_tasks(entries: Sequence[Entry]) -> PolicyTasks:
    return PolicyTasks(
        len(entries),
        sum(entry.case.reward == 1 for entry in entries),
        sum(entry.case.reward == 0 for entry in entries),
        sum(len(entry.episode.slate) for entry in entries if entry.episode is not None),
    )
