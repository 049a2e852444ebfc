"""What a case is worth by what became of the tasks it was shown for: the bandit's estimate, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from configs.settings import PolicyName
from memory.learner import Learner
from memory.ledger import Ledger
from memory.policies.base import PolicyOptions

POLICY: PolicyName = "bandit"
QUICKLY = 4_000
"""Episodes that can be learned from in about a second."""
NOBODY = ""
"""No case has this id, so its worth is that of a case never shown."""


@runtime_checkable
class _Values(Protocol):
    def worth(self, case_id: str) -> tuple[float, float]: ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """In log-odds of success: what showing a case adds beyond what its features promise, and its standard deviation."""

    value: float
    sd: float

    @property
    def lower(self) -> float:
        return self.value - self.sd

    @property
    def upper(self) -> float:
        return self.value + self.sd


class Estimates:
    """The estimates of one namespace; `unseen` is that of a case nothing is known of."""

    def __init__(self, values: _Values) -> None:
        self._values = values
        self.unseen = Estimate(*values.worth(NOBODY))

    def of(self, case_id: str) -> Estimate | None:
        """A case's estimate; None if it was never shown by a policy that recorded its features."""
        found = Estimate(*self._values.worth(case_id))
        return None if found == self.unseen else found


def estimates(ledger: Ledger, namespace: str, options: PolicyOptions) -> Estimates:
    """Learn from every episode of a namespace, from the last snapshot on where there is one.

    Raises:
        CaseBankError: the journal cannot be read.
        TypeError: the policy does not say what cases are worth.
    """
    policy = Learner(options).current(POLICY, namespace, ledger).policy
    if not isinstance(policy, _Values):
        raise TypeError(f"policy {POLICY} does not say what cases are worth")
    return Estimates(policy)


def not_learned_yet(ledger: Ledger, namespace: str) -> int:
    """How many episodes `estimates` would have to learn from; the ledger keeps a snapshot of what was learned."""
    snapshot = ledger.store.value(
        "SELECT upto FROM policies WHERE name = ? AND namespace = ? AND epoch = ?",
        (POLICY, namespace, ledger.epoch(namespace)),
    )
    sql = "SELECT count(*) FROM cases WHERE learned AND NOT deleted AND namespace = ? AND seq > ?"
    return int(ledger.store.value(sql, (namespace, snapshot or 0)))
