"""Bring the indexes in line with the ledger: what it marks as pending, or everything where they do not agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from memory.case import Case, case_text
from memory.entries import Entry
from memory.index import ChromaIndex
from memory.ledger import Ledger
from memory.lexical_index import DamagedWordsError, LexicalIndex
from memory.rows import KINDS, Kind, Row, rows_of

if TYPE_CHECKING:
    from memory.embedding import Embedder, Vectors

PART = 5_000
"""Cases brought in line at a time, so that memory stays bounded however many there are."""
ALL_PROBED = 5_000
"""Up to so many rows every vector is looked for when the index opens, beyond that a sample."""
SAMPLE = 200
OUTCOME_KINDS: tuple[Kind, ...] = ("success", "failure")


class Indexing:
    """The way from a home's ledger to its vectors in Chroma and its words in tantivy."""

    def __init__(self, ledger: Ledger, index: ChromaIndex, lexical: LexicalIndex, embedder: Embedder) -> None:
        self._ledger = ledger
        self._index = index
        self._lexical = lexical
        self._embedder = embedder

    def open(self, target: str) -> None:
        """Bring everything in line when the bank opens: only what is pending if nothing else has changed.

        Args:
            target: names the index and its vector space; the ledger remembers which one it was in line with.

        Raises:
            DamagedIndexError: the index lists rows whose vectors are lost; it has to be built anew.
        """
        store = self._ledger.store
        followed = store.value("SELECT value FROM meta WHERE key = 'target'") == target
        namespaces = self._ledger.namespaces() | (set() if self._index.shared else self._index.namespaces())
        damaged = {namespace for namespace in namespaces if self._lexical.count(namespace) < 0}
        for namespace in damaged:
            self._lexical.discard(namespace)
        if followed:
            self.catch_up()
        for namespace in namespaces:
            for kind in KINDS:
                (self._check if followed else self._reconcile)(namespace, kind)
            if not followed or self._lexical.count(namespace) != self._ledger.size(namespace):
                self._rebuild_words(namespace)
        with store.writing() as db:
            db.execute("DELETE FROM pending")
            db.execute("INSERT OR REPLACE INTO meta VALUES ('target', ?)", (target,))

    def catch_up(self, known: Mapping[str, Vectors] | None = None) -> None:
        """Bring the pending cases in line, oldest first.

        Args:
            known: vectors of tasks by case id, shape (d,), that need not be computed.
        """
        store = self._ledger.store
        while pending := store.rows("SELECT id, changed FROM pending LIMIT ?", (PART,)):
            changed = {id_ for id_, is_changed in pending if is_changed}
            ids = [id_ for id_, _ in pending]
            rows = [row for entry in self._ledger.read(self._ledger.entry_rows(ids)) for row in rows_of(entry)]
            self._remove_stale(changed, rows)
            self._write([row for row in rows if _case_id(row) not in changed], known or {}, fresh=True)
            self._write([row for row in rows if _case_id(row) in changed], known or {}, fresh=False)
            self._write_words(rows, changed)
            with store.writing() as db:
                db.executemany("DELETE FROM pending WHERE id = ? AND changed = ?", pending)

    def _remove_stale(self, changed: set[str], rows: Sequence[Row]) -> None:
        """Remove what a changed case has in the index and should not have."""
        wanted = {(row.kind, row.id) for row in rows}
        gone: dict[tuple[Kind, str], list[str]] = {}
        for case_id, namespace in sorted(self._ledger.namespaces_of(changed).items()):
            for kind in OUTCOME_KINDS:
                if (kind, case_id) not in wanted:
                    gone.setdefault((kind, namespace), []).append(case_id)
            if ("success", case_id) not in wanted:
                gone.setdefault(("subtask", namespace), []).extend(self._ledger.subtask_ids(case_id))
        for (kind, namespace), ids in gone.items():
            self._index.delete(kind, namespace, ids)

    def _write(self, rows: Iterable[Row], known: Mapping[str, Vectors], *, fresh: bool) -> None:
        """Embed what has no vector yet, all texts in one batch, and write rows to their collections."""
        ordered = sorted(rows, key=lambda row: (row.kind, row.namespace))
        unknown = [row for row in ordered if row.kind == "subtask" or row.id not in known]
        embedded = iter(self._embedder.embed([row.text for row in unknown])) if unknown else iter(())
        vectors = [known[row.id] if row.kind != "subtask" and row.id in known else next(embedded) for row in ordered]
        for start, end in _runs(ordered):
            self._index.write(ordered[start:end], np.stack(vectors[start:end]), fresh=fresh)

    def _write_words(self, rows: Sequence[Row], changed: set[str]) -> None:
        namespaces = self._ledger.namespaces_of(changed)
        cases = [row for row in rows if row.kind != "subtask"]
        for namespace in {row.namespace for row in cases} | set(namespaces.values()):
            added = [(row.id, _words(row)) for row in cases if row.namespace == namespace]
            gone = {id_ for id_ in changed if namespaces.get(id_) == namespace}
            try:
                self._lexical.write(namespace, added, sorted(gone | {id_ for id_, _ in added}))  # may be half done
            except DamagedWordsError:  # a killed writer's files can be in the way of each further write
                self._rebuild_words(namespace)

    def _check(self, namespace: str, kind: Kind) -> None:
        expected = self._ledger.count(namespace, kind)
        count = self._index.count(kind, namespace)
        if count < expected if self._index.shared else count != expected:
            self._reconcile(namespace, kind)
        elif count and not self._index.shared:
            self._index.verify(kind, namespace, self._embedder.dimension, count if count <= ALL_PROBED else SAMPLE)

    def _reconcile(self, namespace: str, kind: Kind) -> None:
        """Compare id by id: add what is missing, remove what should not be there. Other homes' rows are left alone."""
        present = {hit.id for hit in self._index.read(kind, namespace)}
        if present and not self._index.shared:
            self._index.verify(kind, namespace, self._embedder.dimension, len(present))
        surplus = set(present)
        for part in self._parts(namespace):
            wanted = [row for entry in part for row in rows_of(entry) if row.kind == kind]
            surplus.difference_update(row.id for row in wanted)
            self._write([row for row in wanted if row.id not in present], {}, fresh=True)
        if self._index.shared:
            ours = self._ledger.known([id_.partition(":")[0] for id_ in surplus])
            surplus = {id_ for id_ in surplus if id_.partition(":")[0] in ours}
        self._index.delete(kind, namespace, surplus)

    def _rebuild_words(self, namespace: str) -> None:
        self._lexical.discard(namespace)
        for part in self._parts(namespace):
            rows = [row for entry in part for row in rows_of(entry) if row.kind != "subtask"]
            self._lexical.write(namespace, [(row.id, _words(row)) for row in rows], [])

    def _parts(self, namespace: str) -> Iterator[list[Entry]]:
        """The retrievable cases of a namespace."""
        ids = [each.case_id for each in self._ledger.roster(namespace)]
        for start in range(0, len(ids), PART):
            yield list(self._ledger.read(self._ledger.entry_rows(ids[start : start + PART])))


def _case_id(row: Row) -> str:
    return row.id.partition(":")[0]


def _words(row: Row) -> str:
    return case_text(row.source.task, row.source.plan) if isinstance(row.source, Case) else row.text


def _runs(ordered: Sequence[Row]) -> Iterable[tuple[int, int]]:
    """Start and end of each stretch of one kind and namespace."""
    start = 0
    for at in range(1, len(ordered) + 1):
        if at == len(ordered) or (ordered[at].kind, ordered[at].namespace) != (
            ordered[start].kind,
            ordered[start].namespace,
        ):
            yield start, at
            start = at
