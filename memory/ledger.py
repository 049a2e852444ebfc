"""What the journal adds up to: the current cases in the order of their first writing, and which may be retrieved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from memory.case import Case, Reward
from memory.episode import Episode


@dataclass(frozen=True, slots=True)
class Entry:
    """A case with what may change about it."""

    case: Case
    archived: bool = False
    episode: Episode | None = None

    @property
    def eligible(self) -> bool:
        """Whether the case may be shown: its outcome is known and it is not archived."""
        return self.case.reward is not None and not self.archived

    def rewarded(self, reward: Reward) -> Entry:
        return replace(self, case=self.case.model_copy(update={"reward": reward, "reward_source": "person"}))

    def moved(self, *, archived: bool) -> Entry:
        return replace(self, archived=archived)


@dataclass(slots=True)
class Ledger:
    """Current entries by id. `put` and `drop` are the only writers."""

    entries: dict[str, Entry] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Every id the journal ever named, deleted ones too: what of a shared index is ours to remove."""
    _eligible: dict[str, dict[str, Case]] = field(default_factory=dict)

    def put(self, entry: Entry) -> None:
        """Add an entry, or replace the one of the same id in its place."""
        case = entry.case
        self.entries[case.id] = entry
        self.known.add(case.id)
        eligible = self._eligible.setdefault(case.namespace, {})
        if entry.eligible:
            eligible[case.id] = case
        else:
            eligible.pop(case.id, None)

    def drop(self, case_id: str) -> None:
        entry = self.entries.pop(case_id, None)
        if entry is not None:
            self._eligible[entry.case.namespace].pop(case_id, None)

    def eligible(self, namespace: str) -> Mapping[str, Case]:
        """The cases of a namespace that may be retrieved."""
        return self._eligible.get(namespace, {})

    def namespaces(self) -> set[str]:
        return set(self._eligible)
