"""What the journal adds up to: the current cases in the order of their first writing, and which may be retrieved."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel

from configs.errors import CaseBankError
from memory.case import Case, Reward, RewardSource
from memory.entries import PART, Eligible, Entries, Entry
from memory.events import LINE, CaseWritten
from memory.ledger_store import DamagedLedgerError, LedgerStore, Row
from memory.subtask_memory import subtasks_of
from memory.trust import TRUSTED, earned_trust

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a retrievable case without reading it: `trust` from 0 to 1, earned by use, the rest counts."""

    case_id: str
    reward: Reward
    created_at: float
    trust: float
    uses: int
    plan_length: int

    @property
    def trusted(self) -> bool:
        return self.trust >= TRUSTED


class _CaseOnly(BaseModel):
    """Of a line that wrote a case, the case."""

    case: Case


class Ledger:
    """Reads the tables that `Journal` folds events into; cases themselves are read from the journal's lines."""

    def __init__(self, store: LedgerStore, journal: Path) -> None:
        self.store = store
        self._journal = journal

    @property
    def entries(self) -> Entries:
        """Every case that is not deleted, first written first. Each access reads from disk."""
        return Entries(self, None)

    def of(self, namespace: str) -> Entries:
        """The entries of one namespace."""
        return Entries(self, namespace)

    def eligible(self, namespace: str) -> Mapping[str, Case]:
        """The cases of a namespace that may be retrieved, of exact duplicates the first."""
        return Eligible(self, namespace)

    def namespaces(self) -> set[str]:
        """Every namespace that ever had a case."""
        return {name for (name,) in self.store.rows("SELECT DISTINCT namespace FROM counts")}

    def count(self, namespace: str, kind: str) -> int:
        """How many there are in a namespace: cases, success, failure, subtask (rows of the index), judged or wins."""
        values = (namespace, kind)
        return int(self.store.value("SELECT n FROM counts WHERE namespace = ? AND kind = ?", values) or 0)

    def size(self, namespace: str) -> int:
        """How many cases of a namespace may be retrieved."""
        return self.count(namespace, "success") + self.count(namespace, "failure")

    def known(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the journal ever named, deleted ones too."""
        sql = "SELECT cases.id FROM json_each(?) AS wanted CROSS JOIN cases ON cases.id = wanted.value"
        return {row[0] for row in self.store.rows(sql, (_json(ids),))}

    def namespaces_of(self, ids: Collection[str]) -> dict[str, str]:
        """The namespaces of those of the ids that the journal ever named."""
        sql = "SELECT cases.id, namespace FROM json_each(?) AS wanted CROSS JOIN cases ON cases.id = wanted.value"
        return dict(self.store.rows(sql, (_json(ids),)))

    def subtask_ids(self, case_id: str) -> list[str]:
        """The ids of a case's solved subtasks, whether it is deleted or not."""
        columns = "seq, start, length, reward, source, archived, indexed, origin"
        rows = self.store.rows(f"SELECT {columns} FROM cases WHERE id = ?", (case_id,))  # noqa: S608  # fixed names
        return [subtask.id for entry in self.read(rows) for subtask in subtasks_of(entry.case)]

    def facts(self, namespace: str, ids: Collection[str]) -> dict[str, Facts]:
        """What is known of those of the ids that may be retrieved."""
        rows = self.store.rows(
            "SELECT cases.seq, cases.id, reward, created_at, prior, judged, wins, uses, plan_length"
            " FROM json_each(?) AS wanted CROSS JOIN cases ON cases.id = wanted.value"
            " WHERE indexed AND namespace = ?",
            (_json(ids), namespace),
        )
        return {each.case_id: each for each in self._facts(namespace, rows)}

    def roster(self, namespace: str, newest: int | None = None) -> list[Facts]:
        """The cases that may be retrieved, first written first; or the newest so many."""
        columns = "SELECT seq, id, reward, created_at, prior, judged, wins, uses, plan_length FROM cases"
        where = f"{columns} WHERE indexed AND namespace = ?"
        if newest is None:
            return self._facts(namespace, self.store.rows(f"{where} ORDER BY seq", (namespace,)))
        rows = self.store.rows(f"{where} ORDER BY created_at DESC, seq DESC LIMIT ?", (namespace, newest))
        return self._facts(namespace, sorted(rows))

    def _facts(self, namespace: str, rows: Sequence[Row]) -> list[Facts]:
        judged_tasks, won_tasks = self.count(namespace, "judged"), self.count(namespace, "wins")
        base_rate = won_tasks / judged_tasks if judged_tasks else 0.0
        return [
            Facts(id_, reward, created_at, earned_trust(prior, judged, wins, base_rate), uses, plan_length)
            for _, id_, reward, created_at, prior, judged, wins, uses, plan_length in rows
        ]

    def episodes(self, namespace: str, after: int) -> Iterator[Entry]:
        """The entries written after a line that have an episode to learn from, in order."""
        while rows := self.store.rows(
            "SELECT * FROM entries WHERE learned AND namespace = ? AND seq > ? ORDER BY seq LIMIT ?",
            (namespace, after, PART),
        ):
            yield from self.read(rows)
            after = rows[-1][0]

    def latest_shown(self, namespace: str, tasks: int) -> list[tuple[int, str, str, bool]]:
        """What the latest so many tasks were shown: line of the task, case, its origin, and whether it is doubtful."""
        return [
            (seq, case_id, origin, prior < TRUSTED)
            for seq, case_id, origin, prior in self.store.rows(
                "SELECT shown.seq, case_id, origin, prior FROM shown JOIN cases ON cases.id = case_id"
                " WHERE shown.seq IN (SELECT seq FROM cases WHERE learned AND NOT deleted AND namespace = ?"
                " ORDER BY seq DESC LIMIT ?)",
                (namespace, tasks),
            )
        ]

    def latest_of(self, namespace: str, kind: Literal["run", "thread"], name: str) -> str | None:
        """The case written last of a run, by the task's id or the server's for the run, or of a thread."""
        found = self.store.value(
            "SELECT id FROM known_as JOIN cases USING (seq)"
            " WHERE known_as.namespace = ? AND kind = ? AND name = ? AND NOT deleted ORDER BY seq DESC LIMIT 1",
            (namespace, kind, name),
        )
        return None if found is None else str(found)

    def ids_from(self, namespace: str, origin: str) -> list[str]:
        """The cases of a namespace from one origin, and from those it stands before, such as import before a file."""
        sql = (
            "SELECT id FROM cases WHERE NOT deleted AND namespace = ?1"
            " AND (origin = ?2 OR substr(origin, 1, length(?2) + 1) = ?2 || ':') ORDER BY seq"
        )
        return [row[0] for row in self.store.rows(sql, (namespace, origin))]

    def epoch(self, namespace: str) -> int:
        """Changes whenever an outcome that policies may have learned from was corrected or deleted."""
        return self.count(namespace, "epoch")

    def read(self, rows: Sequence[Row]) -> Iterator[Entry]:
        """Entries from rows of the cases table.

        Raises:
            CaseBankError: the journal is gone, or is no longer what was folded.
        """
        return self.parse(rows, _entry)

    def cases(self, rows: Sequence[Row]) -> Iterator[Case]:
        """The cases alone of rows of the view `entries`: their episodes, most of each line, are not built.

        Raises:
            CaseBankError: as `read`.
        """
        return self.parse(rows, _case)

    def parse(self, rows: Sequence[Row], parse: Callable[[bytes, Row], T]) -> Iterator[T]:
        """What `parse` makes of each row's line, for readers that need less of it than `read` gives.

        Args:
            rows: those of the view `entries`, or rows that begin with seq, start, length.
            parse: from a line and its row; a ValueError means that the line is not what was folded.

        Raises:
            CaseBankError: the journal is gone, or is no longer what was folded.
        """
        if not rows:
            return
        try:
            with self._journal.open("rb") as file:
                for row in rows:
                    yield parse(os.pread(file.fileno(), row[2], row[1]), row)
        except OSError as error:
            raise CaseBankError(f"cannot read {self._journal}: {error.strerror}") from error
        except ValueError as error:
            self.store.condemn()
            raise DamagedLedgerError(
                f"the ledger {self.store.path} names lines of {self._journal} that are not there; "
                "it is made again at the next use"
            ) from error

    def entry_rows(self, ids: Sequence[str]) -> list[Row]:
        """Rows for `read` of those of the ids that are not deleted."""
        return self.store.rows(
            "SELECT entries.* FROM json_each(?) AS wanted CROSS JOIN entries ON entries.id = wanted.value",
            (_json(ids),),
        )


def _entry(line: bytes, row: Row) -> Entry:
    event = LINE.validate_json(line)
    if not isinstance(event, CaseWritten):
        raise ValueError("no case there")
    seq, _, _, _, _, archived, indexed, origin = row[:8]
    prior = row[11] if len(row) > 11 else 0.0
    case = _as_it_is(event.case, row)
    return Entry(case, bool(archived), event.episode, origin, event.vouched, bool(indexed), seq, prior)


def _case(line: bytes, row: Row) -> Case:
    return _as_it_is(_CaseOnly.model_validate_json(line).case, row)


def _as_it_is(case: Case, row: Row) -> Case:
    """The case of a line with the outcome that its row knows."""
    if len(row) > 8 and case.id != row[8]:  # the journal was compacted since the row was read
        raise ValueError("another case is there")
    reward, source = row[3], _source(row[4])
    if (case.reward, case.reward_source) == (reward, source):
        return case
    return case.model_copy(update={"reward": reward, "reward_source": source})


def _json(ids: Collection[str]) -> str:
    return json.dumps(list(ids))


def _source(value: str | None) -> RewardSource | None:
    return value  # type: ignore[return-value]  # as it was written from a case
