"""What of a case belongs in the index. One pure function, so that writing, rebuilding and checking cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from memory.case import Case
from memory.entries import Entry
from memory.subtask_memory import SolvedSubtask, subtasks_of

Kind: TypeAlias = Literal["success", "failure", "subtask"]
KINDS: tuple[Kind, ...] = ("success", "failure", "subtask")
"""Successes and failures lie apart, so that no query needs a metadata filter."""


@dataclass(frozen=True, slots=True)
class Row:
    """One vector to be: `text` is embedded, `source` and `trust` are what a reader without the journal needs."""

    kind: Kind
    namespace: str
    id: str
    text: str
    source: Case | SolvedSubtask
    created_at: float
    trust: float = 1.0


def rows_of(entry: Entry) -> list[Row]:
    """The index rows of a case: none unless it may be retrieved; its solved subtasks when it succeeded."""
    if not entry.indexed or not entry.eligible:
        return []
    case = entry.case
    kind: Kind = "success" if case.reward == 1 else "failure"
    rows = [Row(kind, case.namespace, case.id, case.task, case, case.created_at, entry.prior)]
    if kind == "success":
        rows += [
            Row("subtask", case.namespace, subtask.id, subtask.description, subtask, case.created_at, entry.prior)
            for subtask in subtasks_of(case)
        ]
    return rows
