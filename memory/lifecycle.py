"""Which cases to forget, and which go with a source that is purged. Decides only; forgetting is archiving.

The expected use of a case is

    wanted · value · trust

- wanted: the times it was wanted, each halved for every HALF_LIFE_DAYS of age: its own writing, the writing of each
  exact copy (the task came again), and each task it was shown for. Age counts from the newest case, so that a bank
  nobody uses does not fade.
- value: σ(u + sd), the upper bound of the bandit's estimate as a probability. Doubt counts for the case; one that was
  never shown keeps the prior's.
- trust: from 0 to 1, by the source of its reward and earned by use.

The share of tasks that succeeded with a case is no part of it: that measures how hard the tasks were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from configs.errors import InvalidInputError
from memory.case_heads import case_heads
from memory.estimates import Estimate, Estimates
from memory.features import DAY
from memory.ledger import Ledger
from memory.ledger_stats import Record, origins, records, wanted_times

HALF_LIFE_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Prospect:
    """A retrievable case and what is to be expected of it; `wanted` are decayed times, `estimate` as `Estimates.of`."""

    record: Record
    wanted: float
    estimate: Estimate | None
    expected_use: float

    @property
    def case_id(self) -> str:
        return self.record.case_id


def prospects(ledger: Ledger, namespace: str, estimates: Estimates) -> list[Prospect]:
    """The retrievable cases of a namespace, largest expected use first; of equal ones the newest."""
    wanted = decayed(wanted_times(ledger, namespace))
    found = []
    for record in records(ledger, namespace):
        times, estimate = wanted.get(record.case_id, 0.0), estimates.of(record.case_id)
        value = _probability((estimate or estimates.unseen).upper)
        found.append(Prospect(record, times, estimate, times * value * record.trust))
    return sorted(found, key=lambda one: (-one.expected_use, -one.record.created_at, one.case_id))


def decayed(times: Sequence[tuple[str, float]]) -> dict[str, float]:
    """How often each was wanted, each time halved for every HALF_LIFE_DAYS before the latest of all.

    Args:
        times: ids with times in seconds since the epoch, an id once for each time.
    """
    latest = max((at for _, at in times), default=0.0)
    found: dict[str, float] = {}
    for case_id, at in times:
        found[case_id] = found.get(case_id, 0.0) + 0.5 ** ((latest - at) / DAY / HALF_LIFE_DAYS)
    return found


def to_forget(ordered: Sequence[Prospect], representative: Mapping[str, str], keep: int) -> list[Prospect]:
    """Which cases to archive so that `keep` are left, lowest expected use first.

    The representative of each cluster stays for as long as a case that is none can go in its place: rare kinds
    survive. Only when fewer are to be kept than there are clusters do representatives go, lowest expected use first.

    Args:
        ordered: the retrievable cases, largest expected use first, in the order they were clustered in.
        representative: of each case its cluster's, by id.
        keep: how many may stay, 0 or more.
    """
    lowest_first = list(reversed(ordered))
    others = [one for one in lowest_first if representative[one.case_id] != one.case_id]
    firsts = [one for one in lowest_first if representative[one.case_id] == one.case_id]
    return [*others, *firsts][: max(len(ordered) - keep, 0)]


def from_source(ledger: Ledger, namespace: str, origin: str, *, descendants: bool) -> tuple[list[str], list[str]]:
    """The cases of an origin, and if asked for those built on them, directly or through others.

    Args:
        ledger: of the home.
        namespace: whose cases.
        origin: "import:NAME", "import" for every import, or "run".
        descendants: whether to look for cases whose `parents` include one of these, which reads every case.

    Raises:
        InvalidInputError: no case is from there.
        CaseBankError: the journal cannot be read.
    """
    own = ledger.ids_from(namespace, origin)
    if not own:
        known = ", ".join(one.name for one in origins(ledger, namespace)) or "none, there are no cases"
        raise InvalidInputError(f"no case is from {origin!r}; the origins in namespace {namespace}: {known}")
    return own, _built_on(ledger, namespace, own) if descendants else []


def _built_on(ledger: Ledger, namespace: str, ids: Sequence[str]) -> list[str]:
    """The other cases that have one of these among their ancestors, in the order they are met."""
    children: dict[str, list[str]] = {}
    for head, _ in case_heads(ledger, namespace, retrievable=False):
        for parent in head.parents:
            children.setdefault(parent, []).append(head.id)
    met, waiting = dict.fromkeys(ids), list(ids)
    while waiting:
        new = [child for child in children.get(waiting.pop(), ()) if child not in met]
        met |= dict.fromkeys(new)
        waiting += new
    return list(met)[len(ids) :]


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-max(min(logit, 30.0), -30.0)))
