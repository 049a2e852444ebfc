"""From journal events to the ledger's tables. Pure SQL, one transaction a batch, the same result however it is cut."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass

from memory.case import Case, Reward, normalise_task
from memory.episode import Episode
from memory.events import ArchiveChanged, CaseWritten, Deleted, Event, FeedbackGiven
from memory.subtask_memory import subtasks_of
from memory.trust import prior_trust

_SHOWN = "namespace = ? AND id IN (SELECT case_id FROM shown WHERE seq = ?)"
"""The cases of a namespace that one of its tasks was shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the journal an event stands: the number of its line, its first byte, its bytes without the line end."""

    line: int
    start: int
    length: int


class Fold:
    """Applies events inside one transaction; `flush` writes the counts they changed and has to come last."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._counts: Counter[tuple[str, str]] = Counter()

    def apply(self, event: Event, place: Place) -> None:
        """Apply one event. Events about unknown cases change nothing."""
        match event:
            case CaseWritten():
                self._write(event, place)
            case FeedbackGiven():
                self._reward(event)
            case ArchiveChanged(kind=kind, case_ids=ids):
                for case_id in ids:
                    self._move(case_id, archived=kind == "archived")
            case Deleted(case_ids=ids):
                for case_id in ids:
                    self._delete(case_id)

    def flush(self) -> None:
        """Write the counts."""
        self._db.executemany(
            "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(namespace, kind, change) for (namespace, kind), change in self._counts.items()],
        )
        self._counts.clear()

    def _write(self, event: CaseWritten, place: Place) -> None:
        case, episode, db = event.case, event.episode, self._db
        there = db.execute("SELECT deleted FROM cases WHERE id = ?", (case.id,)).fetchone()
        if there == (0,):
            return
        if there is not None:
            self._note(case.id)
            db.execute("DELETE FROM cases WHERE id = ?", (case.id,))
        twin, subtasks = twin_key(case), len(subtasks_of(case))
        indexed = case.reward is not None and not event.archived and not self._has_twin(twin, case.reward)
        db.execute(
            "INSERT INTO cases (seq, id, namespace, start, length, reward, source, archived, indexed, twin,"
            " created_at, plan_length, subtasks, origin, prior, learned, uses, judged, wins)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                place.line,
                case.id,
                case.namespace,
                place.start,
                place.length,
                case.reward,
                case.reward_source,
                event.archived,
                indexed,
                twin,
                case.created_at,
                len(case.plan),
                subtasks,
                event.source_label(),
                prior_trust(case.reward_source, vouched=event.vouched_for()),
                event.teaches(),
                *self._became(case),
            ),
        )
        self._name(case, place.line)
        self._count(case.namespace, "cases", 1)
        if indexed:
            self._note(case.id, fresh=True)
            self._count_rows(case.namespace, case.reward, subtasks, 1)
        if episode is not None and event.teaches():
            self._show(case.namespace, place.line, episode)
            self._credit(case.namespace, place.line, case.reward, 1)

    def _reward(self, event: FeedbackGiven) -> None:
        found = self._db.execute(
            "SELECT seq, namespace, reward, twin, learned FROM cases WHERE id = ? AND NOT deleted", (event.case_id,)
        ).fetchone()
        if found is None:
            return
        seq, namespace, before, twin, learned = found
        self._credit(namespace, seq, before, -1)
        self._credit(namespace, seq, event.reward, 1)
        self._unsettle(event.case_id)
        prior = prior_trust(event.source, vouched=True)
        self._db.execute(
            "UPDATE cases SET reward = ?, source = ?, prior = ? WHERE seq = ?", (event.reward, event.source, prior, seq)
        )
        if learned and before != event.reward:
            self._count(namespace, "epoch", 1)
        self._settle_twins(twin)

    def _move(self, case_id: str, *, archived: bool) -> None:
        found = self._db.execute("SELECT twin FROM cases WHERE id = ? AND NOT deleted", (case_id,)).fetchone()
        if found is not None:
            self._unsettle(case_id)
            self._db.execute("UPDATE cases SET archived = ? WHERE id = ?", (archived, case_id))
            self._settle_twins(found[0])

    def _delete(self, case_id: str) -> None:
        db = self._db
        found = db.execute(
            "SELECT seq, namespace, reward, twin, learned FROM cases WHERE id = ? AND NOT deleted", (case_id,)
        ).fetchone()
        if found is None:
            return
        seq, namespace, reward, twin, learned = found
        self._credit(namespace, seq, reward, -1)
        db.execute(f"UPDATE cases SET uses = uses - 1 WHERE {_SHOWN}", (namespace, seq))  # noqa: S608  # fixed text
        db.execute("DELETE FROM shown WHERE seq = ?", (seq,))
        self._unsettle(case_id)
        db.execute("UPDATE cases SET deleted = 1 WHERE seq = ?", (seq,))
        self._count(namespace, "cases", -1)
        if learned and reward is not None:
            self._count(namespace, "epoch", 1)
        self._settle_twins(twin)

    def _became(self, case: Case) -> tuple[int, int, int]:
        """Uses, judged and won ones of a case that was shown before it was written here: elsewhere, or before it was
        deleted.
        """
        uses, judged, wins = self._db.execute(
            "SELECT count(*), count(reward), total(reward) FROM shown JOIN cases ON cases.seq = shown.seq"
            " WHERE shown.case_id = ? AND namespace = ?",
            (case.id, case.namespace),
        ).fetchone()
        return uses, judged, int(wins)

    def _name(self, case: Case, seq: int) -> None:
        names = {("run", case.run_id), ("run", case.trace_id), ("thread", case.thread_id)}
        rows = [(case.namespace, kind, name, seq) for kind, name in names if name]
        self._db.executemany("INSERT INTO known_as VALUES (?, ?, ?, ?)", rows)

    def _show(self, namespace: str, seq: int, episode: Episode) -> None:
        ids = {shown.case_id for shown in episode.slate}
        self._db.executemany("INSERT INTO shown VALUES (?, ?)", [(seq, case_id) for case_id in ids])
        self._db.execute(f"UPDATE cases SET uses = uses + 1 WHERE {_SHOWN}", (namespace, seq))  # noqa: S608  # fixed

    def _credit(self, namespace: str, seq: int, reward: Reward | None, sign: int) -> None:
        """Add the outcome of the episode at `seq` to the cases it showed, or take it back."""
        if reward is None or self._db.execute("SELECT 1 FROM shown WHERE seq = ?", (seq,)).fetchone() is None:
            return
        self._db.execute(
            f"UPDATE cases SET judged = judged + ?, wins = wins + ? WHERE {_SHOWN}",  # noqa: S608  # fixed text
            (sign, sign * reward, namespace, seq),
        )
        self._count(namespace, "judged", sign)
        self._count(namespace, "wins", sign * reward)

    def _has_twin(self, twin: bytes, reward: Reward) -> bool:
        sql = "SELECT 1 FROM cases WHERE twin = ? AND reward = ? AND indexed"
        return self._db.execute(sql, (twin, reward)).fetchone() is not None

    def _unsettle(self, case_id: str) -> None:
        """Take a case out of the retrievable ones, before it changes."""
        sql = "SELECT namespace, reward, subtasks FROM cases WHERE id = ? AND indexed"
        row = self._db.execute(sql, (case_id,)).fetchone()
        if row is not None:
            namespace, reward, subtasks = row
            self._note(case_id)
            self._db.execute("UPDATE cases SET indexed = 0 WHERE id = ?", (case_id,))
            self._count_rows(namespace, reward, subtasks, -1)

    def _settle_twins(self, twin: bytes) -> None:
        """Of exact duplicates with one outcome, the first that may be retrieved is the one that is."""
        first: set[int] = set()
        for case_id, namespace, reward, subtasks, indexed, may in self._db.execute(
            "SELECT id, namespace, reward, subtasks, indexed, NOT deleted AND NOT archived AND reward IS NOT NULL"
            " FROM cases WHERE twin = ? ORDER BY seq",
            (twin,),
        ).fetchall():
            wanted = bool(may) and reward not in first
            if wanted:
                first.add(reward)
            if wanted != bool(indexed):
                self._note(case_id)
                self._db.execute("UPDATE cases SET indexed = ? WHERE id = ?", (wanted, case_id))
                self._count_rows(namespace, reward, subtasks, 1 if wanted else -1)

    def _note(self, case_id: str, *, fresh: bool = False) -> None:
        """Remember that the index has to be brought in line about a case; a fresh one has no rows there yet."""
        sql = "INSERT INTO pending VALUES (?, ?) ON CONFLICT DO UPDATE SET changed = 1"
        self._db.execute(sql, (case_id, not fresh))

    def _count_rows(self, namespace: str, reward: Reward | None, subtasks: int, sign: int) -> None:
        self._count(namespace, "success" if reward == 1 else "failure", sign)
        if reward == 1:
            self._count(namespace, "subtask", sign * subtasks)

    def _count(self, namespace: str, kind: str, change: int) -> None:
        self._counts[namespace, kind] += change


def twin_key(case: Case) -> bytes:
    """Equal for cases of one namespace that say the same: task and plan, whatever run they are from."""
    plan = [[step.id, step.description, list(step.depends_on)] for step in case.plan]
    text = json.dumps([case.namespace, normalise_task(case.task), plan], ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:12]
