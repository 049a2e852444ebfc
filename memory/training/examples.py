"""What Q(task, case) learns from: a task, a case that was shown for it, and how the task ended.

Two sources: the journal of a home, and JSONL in the form of the original's `training_data.jsonl`, one
`{"query", "case", "case_label", "plan", "truth_label"}` a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import InvalidInputError
from memory.case import case_text, normalise_task
from memory.exchange import LABELS, RejectedLine, parse_plan
from memory.jsonl_lines import check_length, file_lines
from memory.ledger import Ledger

KEYS = ("query", "case", "case_label", "plan", "truth_label")


@dataclass(frozen=True, slots=True)
class Example:
    """One case shown for one task; `succeeded` is the case's own outcome, `label` that of the task, 1 or 0.

    `case_text` is what the encoder reads of the case. The outcome is no part of it: it can change by a person's
    feedback, and the head has an input of its own for it.
    """

    query: str
    case_task: str
    case_text: str
    succeeded: bool
    label: int

    @property
    def group(self) -> str:
        """The normalised task: rows of one group must not lie on both sides of a split."""
        return normalise_task(self.query)

    @property
    def is_own_task(self) -> bool:
        """Whether the case is an earlier attempt at the very task."""
        return normalise_task(self.case_task) == self.group


@dataclass(frozen=True, slots=True)
class Examples:
    """The rows that can be used, and the lines of a file or the shown cases of a journal that cannot."""

    rows: tuple[Example, ...]
    rejected: tuple[RejectedLine, ...] = ()
    gone: int = 0

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of SHA-256 over the rows in order."""
        text = json.dumps([[r.query, r.case_text, r.succeeded, r.label] for r in self.rows], ensure_ascii=False)
        return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


def from_journal(ledger: Ledger, namespace: str) -> Examples:
    """A row for each case shown for a task of a namespace whose outcome is known; shown cases that are deleted or
    unjudged are `gone`. Episodes of imports nobody vouches for teach nothing here either.

    Raises:
        InvalidInputError: there is no such row.
    """
    rows: list[Example] = []
    gone = 0
    entries = ledger.of(namespace)
    for entry in ledger.episodes(namespace, 0):
        if entry.episode is None or entry.case.reward is None:
            continue
        for shown in entry.episode.slate:
            earlier = entries.get(shown.case_id)
            if earlier is None or earlier.case.reward is None:
                gone += 1
                continue
            case = earlier.case
            text = case_text(case.task, case.plan)
            rows.append(Example(entry.case.task, case.task, text, case.reward == 1, entry.case.reward))
    if not rows:
        raise InvalidInputError(
            "nothing to train on: the journal holds no finished task with a known outcome for which cases were shown"
        )
    return Examples(tuple(rows), gone=gone)


def from_file(path: Path) -> Examples:
    """The rows of a JSONL file; bad lines are left out and named.

    Raises:
        InvalidInputError: the file cannot be read or holds no usable line.
    """
    examples = from_lines(file_lines(path))
    if not examples.rows:
        first = f"; line {examples.rejected[0].line}: {examples.rejected[0].reason}" if examples.rejected else ""
        raise InvalidInputError(f"{path}: no line in it can be trained on{first}")
    return examples


def from_lines(lines: Iterable[bytes]) -> Examples:
    """The rows of UTF-8 JSONL; blank lines are skipped."""
    rows: list[Example] = []
    rejected: list[RejectedLine] = []
    for number, line in enumerate(lines, start=1):
        try:
            check_length(line)
            if line.strip():
                rows.append(_read_line(line))
        except ValueError as error:
            rejected.append(RejectedLine(number, str(error)))
    return Examples(tuple(rows), tuple(rejected))


def _read_line(line: bytes) -> Example:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    if missing := [key for key in KEYS if key not in row]:
        raise ValueError(f"lacks {' and '.join(missing)}")
    query, task = (_text(key, row[key]) for key in ("query", "case"))
    succeeded = _label("case_label", row["case_label"]) == 1
    return Example(
        query, task, case_text(task, parse_plan(row["plan"])), succeeded, _label("truth_label", row["truth_label"])
    )


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key}: takes a text")
    return value


def _label(key: str, value: Any) -> int:
    if isinstance(value, str) and value in LABELS:
        return LABELS[value]
    if isinstance(value, int | float) and value in (0, 1):
        return int(value)
    raise ValueError(f"{key}: got {str(value)[:40]!r}, takes positive, negative, true, false, 1 or 0")
