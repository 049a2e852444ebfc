"""Bring the index in line with the journal: add what is missing, remove what should not be there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memory.index import ChromaIndex
from memory.ledger import Ledger
from memory.rows import KINDS, Kind, Row, rows_of

if TYPE_CHECKING:
    from memory.embedding import Embedder


def reconcile(ledger: Ledger, index: ChromaIndex, embedder: Embedder) -> int:
    """Make the index hold exactly what the journal says; in a shared index, other homes' rows are left alone.

    Returns:
        The number of rows that had to be added or removed: 0 when both agreed.

    Raises:
        DamagedIndexError: the index lists rows whose vectors are lost; it has to be built anew.
    """
    changed = 0
    for namespace in ledger.namespaces() | (set() if index.shared else index.namespaces()):
        expected = [row for case in ledger.eligible(namespace).values() for row in rows_of(ledger.entries[case.id])]
        for kind in KINDS:
            wanted = [row for row in expected if row.kind == kind]
            changed += _reconcile_one(ledger, index, embedder, kind, namespace, wanted)
    return changed


def write_rows(index: ChromaIndex, embedder: Embedder, rows: Iterable[Row]) -> None:
    """Embed rows, all texts in one batch, and write them to their collections."""
    ordered = sorted(rows, key=lambda row: (row.kind, row.namespace))
    if not ordered:
        return
    vectors = embedder.embed([row.text for row in ordered])
    for start, end in _runs(ordered):
        index.upsert(ordered[start:end], vectors[start:end])


def delete_rows(index: ChromaIndex, rows: Iterable[Row]) -> None:
    """Remove rows from their collections."""
    ordered = sorted(rows, key=lambda row: (row.kind, row.namespace))
    for start, end in _runs(ordered):
        index.delete(ordered[start].kind, ordered[start].namespace, [row.id for row in ordered[start:end]])


def _reconcile_one(
    ledger: Ledger, index: ChromaIndex, embedder: Embedder, kind: Kind, namespace: str, wanted: Sequence[Row]
) -> int:
    present = {hit.id for hit in index.read(kind, namespace)}
    if present and not index.shared:
        index.verify(kind, namespace, embedder.dimension, len(present))
    missing = [row for row in wanted if row.id not in present]
    surplus = present - {row.id for row in wanted}
    if index.shared:
        surplus = {id_ for id_ in surplus if id_.partition(":")[0] in ledger.known}
    write_rows(index, embedder, missing)
    if surplus:
        index.delete(kind, namespace, surplus)
    return len(missing) + len(surplus)


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
