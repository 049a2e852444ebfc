"""The cases of a ledger as mappings by id that read from disk when they are asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memory.case import Case, Reward
from memory.episode import Episode

if TYPE_CHECKING:
    from memory.ledger import Ledger

PART = 500
"""Entries read at a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A case with what may change about it.

    `indexed` says whether it may be retrieved and is the first of its exact duplicates; `origin` is "run" or where it
    was imported from; `vouched` counts for a new entry only. `prior` is its trust before
    any use, from 0 to 1.
    """

    case: Case
    archived: bool = False
    episode: Episode | None = None
    origin: str = ""
    vouched: bool = False
    indexed: bool = True
    seq: int = 0
    prior: float = 1.0

    @property
    def eligible(self) -> bool:
        """Whether the case may be shown: its outcome is known and it is not archived."""
        return self.case.reward is not None and not self.archived


class Entries(Mapping[str, Entry]):
    """The cases that are not deleted, of every namespace or of one, by id; first written first."""

    def __init__(self, ledger: Ledger, namespace: str | None) -> None:
        self._ledger = ledger
        self._namespace = namespace

    def __getitem__(self, case_id: str) -> Entry:
        sql = "SELECT * FROM entries WHERE id = ?1 AND namespace = ifnull(?2, namespace)"
        for entry in self._ledger.read(self._ledger.store.rows(sql, (case_id, self._namespace))):
            return entry
        raise KeyError(case_id)

    def __contains__(self, case_id: object) -> bool:
        return isinstance(case_id, str) and case_id in self.starting(case_id)

    def __len__(self) -> int:
        sql = "SELECT sum(n) FROM counts WHERE kind = 'cases' AND namespace = ifnull(?, namespace)"
        return int(self._ledger.store.value(sql, (self._namespace,)) or 0)

    def __iter__(self) -> Iterator[str]:
        sql = "SELECT id FROM entries WHERE namespace = ifnull(?, namespace) ORDER BY seq"
        for (case_id,) in self._ledger.store.rows(sql, (self._namespace,)):
            yield case_id

    def starting(self, prefix: str) -> list[str]:
        """The ids that begin so."""
        sql = (
            "SELECT id FROM entries WHERE id >= ?1 AND id < ?1 || char(1114111)"
            " AND namespace = ifnull(?2, namespace) ORDER BY id"
        )
        return [case_id for (case_id,) in self._ledger.store.rows(sql, (prefix, self._namespace))]

    def newest(self, limit: int, *, archived: bool, rewards: Sequence[Reward | None]) -> tuple[list[Entry], int]:
        """The newest so many of these outcomes, and how many there are in all."""
        where = (
            " FROM entries JOIN cases USING (seq) WHERE entries.namespace = ifnull(?1, entries.namespace)"
            " AND (?2 OR NOT entries.archived) AND ifnull(entries.reward, -1) IN (SELECT value FROM json_each(?3))"
        )
        values = (self._namespace, archived, json.dumps([-1 if one is None else one for one in rewards]))
        rows = self._ledger.store.rows(
            f"SELECT entries.*{where} ORDER BY created_at DESC, seq DESC LIMIT ?4",  # fixed texts
            (*values, limit),
        )
        return list(self._ledger.read(rows)), int(self._ledger.store.value(f"SELECT count(*){where}", values))

    def values(self) -> _Values:  # type: ignore[override]  # reads in parts, not one by one
        return _Values(self._ledger, self._namespace)


class _Values:
    """The entries in order, read in parts."""

    def __init__(self, ledger: Ledger, namespace: str | None) -> None:
        self._ledger = ledger
        self._namespace = namespace

    def __iter__(self) -> Iterator[Entry]:
        after = 0
        sql = "SELECT * FROM entries WHERE seq > ? AND namespace = ifnull(?, namespace) ORDER BY seq LIMIT ?"
        while rows := self._ledger.store.rows(sql, (after, self._namespace, PART)):
            yield from self._ledger.read(rows)
            after = rows[-1][0]


class Eligible(Mapping[str, Case]):
    def __init__(self, ledger: Ledger, namespace: str) -> None:
        self._ledger = ledger
        self._namespace = namespace

    def __getitem__(self, case_id: str) -> Case:
        sql = "SELECT * FROM entries WHERE indexed AND namespace = ? AND id = ?"
        for entry in self._ledger.read(self._ledger.store.rows(sql, (self._namespace, case_id))):
            return entry.case
        raise KeyError(case_id)

    def __len__(self) -> int:
        return self._ledger.size(self._namespace)

    def __iter__(self) -> Iterator[str]:
        for each in self._ledger.roster(self._namespace):
            yield each.case_id
