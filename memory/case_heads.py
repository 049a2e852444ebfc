"""The part of each case that comparing and tracing needs, read from the journal without building the rest."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from memory.ledger import Ledger
from memory.ledger_store import Row

PART = 2_000
"""Lines read at a time."""


class _Step(BaseModel):
    description: str


class CaseHead(BaseModel):
    """A case's id, task, what its steps say, and the cases it was built on."""

    id: str
    task: str
    plan: tuple[_Step, ...] = ()
    parents: tuple[str, ...] = ()


class _Line(BaseModel):
    case: CaseHead


def case_heads(ledger: Ledger, namespace: str, *, retrievable: bool) -> Iterator[tuple[CaseHead, Row]]:
    """The cases of a namespace, or only those that may be retrieved, first written first, each with its row.

    Yields:
        The head, and (seq, start, length, reward) of the case as it is now.

    Raises:
        CaseBankError: the journal is gone, or is no longer what was folded.
    """
    which = "indexed" if retrievable else "NOT deleted"
    sql = (
        f"SELECT seq, start, length, reward FROM cases WHERE {which}"  # noqa: S608  # one of two fixed texts
        " AND namespace = ? AND seq > ? ORDER BY seq LIMIT ?"
    )
    after = 0
    while rows := ledger.store.rows(sql, (namespace, after, PART)):
        yield from ledger.parse(rows, _head)
        after = rows[-1][0]


def _head(line: bytes, row: Row) -> tuple[CaseHead, Row]:
    return _Line.model_validate_json(line).case, row
