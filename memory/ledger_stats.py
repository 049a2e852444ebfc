"""What the ledger's tables say about one namespace in numbers. SQL only; no line of the journal is read."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import dataclass

from memory.case import Reward
from memory.events import RUN
from memory.ledger import Ledger
from memory.trust import TRUSTED, earned_trust

MOST_STRETCHES = 20


@dataclass(frozen=True, slots=True)
class Totals:
    """Cases that are not deleted.

    `retrievable` may be shown; `copies` are exact duplicates of those, which stand behind them; the rest is archived
    or has no known outcome.
    """

    cases: int = 0
    retrievable: int = 0
    archived: int = 0
    copies: int = 0
    right: int = 0
    wrong: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where cases are from: "run", "import" or "import:NAME"; `trust` is the mean of its cases', from 0 to 1."""

    name: str
    cases: int
    right: int
    wrong: int
    unknown: int
    trust: float
    untrusted: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tasks done one after the other: from when to when (seconds since the epoch), how many with a known outcome."""

    start: float
    end: float
    tasks: int
    right: int

    @property
    def share(self) -> float:
        return self.right / self.tasks


@dataclass(frozen=True, slots=True)
class Record:
    """A retrievable case and what became of the tasks it was shown for; `judged` are those with a known outcome."""

    case_id: str
    reward: Reward
    created_at: float
    trust: float
    uses: int
    judged: int
    wins: int


def totals_by_namespace(ledger: Ledger) -> dict[str, Totals]:
    """The counts of every namespace that has cases, by name."""
    rows = ledger.store.rows(
        "SELECT namespace, count(*), sum(indexed), sum(archived),"
        " sum(NOT indexed AND NOT archived AND reward IS NOT NULL),"
        " sum(reward IS 1), sum(reward IS 0), sum(reward IS NULL)"
        " FROM cases WHERE NOT deleted GROUP BY namespace ORDER BY namespace"
    )
    return {name: Totals(*numbers) for name, *numbers in rows}


def totals(ledger: Ledger, namespace: str) -> Totals:
    """The counts of one namespace."""
    return totals_by_namespace(ledger).get(namespace, Totals())


def reward_sources(ledger: Ledger, namespace: str) -> dict[str, int]:
    """How many known outcomes come from whom, most first."""
    rows = ledger.store.rows(
        "SELECT source, count(*) AS n FROM cases WHERE NOT deleted AND namespace = ? AND source IS NOT NULL"
        " AND reward IS NOT NULL GROUP BY source ORDER BY n DESC, source",
        (namespace,),
    )
    return dict(rows)


def origins(ledger: Ledger, namespace: str) -> list[Origin]:
    """Where the cases come from, and how far they are believed; most cases first."""
    base_rate = _base_rate(ledger, namespace)
    rows = ledger.store.rows(
        "SELECT origin, prior, judged, wins, count(*), sum(reward IS 1), sum(reward IS 0), sum(reward IS NULL)"
        " FROM cases WHERE NOT deleted AND namespace = ? GROUP BY origin, prior, judged, wins",
        (namespace,),
    )
    sums: dict[str, list[float]] = {}
    for name, prior, judged, wins, cases, *outcomes in rows:
        trust = earned_trust(prior, judged, wins, base_rate)
        new = [cases, *outcomes, cases * trust, cases * (trust < TRUSTED)]
        sums[name] = [before + more for before, more in zip(sums.get(name, [0.0] * len(new)), new, strict=True)]
    found = [
        Origin(name, int(cases), int(right), int(wrong), int(unknown), trust / cases, int(untrusted))
        for name, (cases, right, wrong, unknown, trust, untrusted) in sums.items()
    ]
    return sorted(found, key=lambda origin: (-origin.cases, origin.name))


def learning(ledger: Ledger, namespace: str) -> list[Stretch]:
    """Success over time: the tasks that agents ran and somebody judged, in stretches of equally many.

    There are about as many stretches as tasks in each, and at most MOST_STRETCHES.
    """
    where = f"NOT deleted AND namespace = ? AND origin = '{RUN}' AND reward IS NOT NULL"
    judged = ledger.store.value(f"SELECT count(*) FROM cases WHERE {where}", (namespace,))  # noqa: S608  # fixed
    parts = max(min(MOST_STRETCHES, math.isqrt(judged)), 1)
    rows = ledger.store.rows(
        "SELECT min(created_at), max(created_at), count(*), sum(reward) FROM"  # noqa: S608  # fixed names
        f" (SELECT created_at, reward, NTILE(?) OVER (ORDER BY created_at, seq) AS part FROM cases WHERE {where})"
        " GROUP BY part ORDER BY part",
        (parts, namespace),
    )
    return [Stretch(*row) for row in rows]


def records(ledger: Ledger, namespace: str, *, least_uses: int = 0) -> list[Record]:
    """The retrievable cases that were shown at least so often, first written first."""
    base_rate = _base_rate(ledger, namespace)
    rows = ledger.store.rows(
        "SELECT id, reward, created_at, prior, uses, judged, wins FROM cases"
        " WHERE indexed AND namespace = ? AND uses >= ? ORDER BY seq",
        (namespace, least_uses),
    )
    return [
        Record(id_, reward, created_at, earned_trust(prior, judged, wins, base_rate), uses, judged, wins)
        for id_, reward, created_at, prior, uses, judged, wins in rows
    ]


def most_shown(ledger: Ledger, namespace: str, n: int) -> list[tuple[str, int]]:
    """The cases shown most often, archived ones too, and how often."""
    return ledger.store.rows(
        "SELECT id, uses FROM cases WHERE NOT deleted AND namespace = ? AND uses > 0 ORDER BY uses DESC, seq LIMIT ?",
        (namespace, n),
    )


def wanted_times(ledger: Ledger, namespace: str) -> list[tuple[str, float]]:
    """When each retrievable case was wanted, in seconds since the epoch: written, written again as a copy, or shown."""
    written = ledger.store.rows(
        "SELECT first.id, other.created_at FROM cases AS first JOIN cases AS other"
        " ON other.twin = first.twin AND other.reward = first.reward AND NOT other.deleted AND NOT other.archived"
        " WHERE first.indexed AND first.namespace = ?",
        (namespace,),
    )
    shown = ledger.store.rows(
        "SELECT shown.case_id, task.created_at FROM shown JOIN cases AS task ON task.seq = shown.seq"
        " WHERE task.namespace = ?",
        (namespace,),
    )
    return [*written, *shown]


def with_copies(ledger: Ledger, ids: Collection[str]) -> list[str]:
    """The ids, each followed by its exact copies that would take its place if it were archived."""
    rows = ledger.store.rows(
        "SELECT other.id FROM json_each(?) AS wanted CROSS JOIN cases AS first ON first.id = wanted.value"
        " JOIN cases AS other ON other.twin = first.twin AND other.reward = first.reward"
        " AND NOT other.deleted AND NOT other.archived ORDER BY wanted.key, other.seq",
        (json.dumps(list(ids)),),
    )
    return [row[0] for row in rows]


def _base_rate(ledger: Ledger, namespace: str) -> float:
    judged = ledger.count(namespace, "judged")
    return ledger.count(namespace, "wins") / judged if judged else 0.0
