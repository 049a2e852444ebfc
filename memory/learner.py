"""Policies in the state that the journal gives them: what is learned is a fold over a namespace's episodes.

A later reward or a deletion changes the past, so the fold begins anew; the result is what it would have been had the
outcome been known at once. Snapshots in the ledger save the replay when a process starts.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from dataclasses import dataclass, field

from configs.errors import CaseBankError, InvalidInputError
from configs.settings import PolicyName
from memory.case import Case
from memory.episode import Episode
from memory.ledger import Ledger
from memory.policies.base import CasePolicy, PolicyOptions, UnlearnedPolicy
from memory.policies.registry import make_policy

_log = logging.getLogger(__name__)
SAVE_EVERY = 256
"""Episodes between two snapshots."""


@dataclass(slots=True)
class Learned:
    """A policy and the last line of the journal it has learned from, in which epoch of the ledger."""

    policy: CasePolicy
    ledger: Ledger
    """Whose episodes it learned; a ledger begun anew may be of another journal."""
    epoch: int
    upto: int = 0
    unsaved: int = 0
    """Episodes learned since the last snapshot."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the policy learns or chooses."""


class Learner:
    """The policies of one home, by name and namespace. Thread-safe."""

    def __init__(self, options: PolicyOptions) -> None:
        self._options = options
        self._learned: dict[tuple[PolicyName, str], Learned] = {}
        self._locks: defaultdict[tuple[PolicyName, str], threading.Lock] = defaultdict(threading.Lock)

    def current(self, name: PolicyName, namespace: str, ledger: Ledger) -> Learned:
        """A policy that has learned from every episode the ledger holds of a namespace.

        Raises:
            CaseBankError: the journal cannot be read.
        """
        with self._locks[name, namespace]:  # a long replay for one user holds up no other
            epoch = ledger.epoch(namespace)
            learned = self._learned.get((name, namespace))
            if learned is None or learned.ledger is not ledger:
                learned = self._restored(name, namespace, ledger, epoch)
            elif learned.epoch != epoch:
                learned = Learned(make_policy(name, self._options), ledger, epoch)
            self._learned[name, namespace] = learned
            self._catch_up(learned, namespace, ledger)
            return learned

    def save(self, ledger: Ledger) -> None:
        """Write a snapshot of what has been learned since the last one."""
        for (name, namespace), learned in list(self._learned.items()):
            with self._locks[name, namespace]:
                if learned.unsaved and learned.ledger is ledger:
                    _save(learned, namespace)

    def _catch_up(self, learned: Learned, namespace: str, ledger: Ledger) -> None:
        if isinstance(learned.policy, UnlearnedPolicy):
            return
        for entry in ledger.episodes(namespace, learned.upto):
            with learned.lock:
                if entry.episode is not None and entry.case.reward is not None:
                    _learn(learned, entry.case, entry.episode)
                learned.upto = entry.seq
        if learned.unsaved >= SAVE_EVERY:
            _save(learned, namespace)

    def _restored(self, name: PolicyName, namespace: str, ledger: Ledger, epoch: int) -> Learned:
        """From the snapshot, if it is of this past and this version; else from nothing."""
        fresh = Learned(make_policy(name, self._options), ledger, epoch)
        if isinstance(fresh.policy, UnlearnedPolicy):
            return fresh
        sql = "SELECT upto, state FROM policies WHERE name = ? AND namespace = ? AND epoch = ?"
        for upto, state in ledger.store.rows(sql, (name, namespace, epoch)):
            try:
                fresh.policy.load_state_dict(json.loads(state))
            except (InvalidInputError, ValueError):
                return Learned(make_policy(name, self._options), ledger, epoch)
            fresh.upto = upto
        return fresh


def _learn(learned: Learned, case: Case, episode: Episode) -> None:
    try:
        learned.policy.update(case, episode)
    except InvalidInputError as error:  # a vouched import may hold an episode that no policy could have written
        _log.warning("nothing was learned from case %s: %s", case.id, error)
    learned.unsaved += 1


def _save(learned: Learned, namespace: str) -> None:
    """Keep a snapshot; where it cannot be written, the next start replays more."""
    state = json.dumps(learned.policy.state_dict())
    values = (learned.policy.name, namespace, learned.epoch, learned.upto, state)
    learned.unsaved = 0
    try:
        with learned.ledger.store.writing() as db:
            db.execute("INSERT OR REPLACE INTO policies VALUES (?, ?, ?, ?, ?)", values)
    except CaseBankError as error:
        _log.warning("no snapshot of policy %s was kept: %s", learned.policy.name, error)
