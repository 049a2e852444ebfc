"""Rows to train on, from the journal and from the original's JSONL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.errors import InvalidInputError
from memory.case import Case, Reward, Step, case_text
from memory.entries import Entry
from memory.episode import Episode, Shown
from memory.events import CaseWritten
from memory.journal import Journal
from memory.ledger import Ledger
from memory.training.examples import Example, from_file, from_journal, from_lines
from tests.project_files import ROOT

ORIGINAL = ROOT.parent / "shared" / "data" / "training_data.jsonl"
GOOD = {"query": "q", "case": "c", "case_label": "negative", "plan": '{"plan": [{"id": 1, "description": "look"}]}'}


def entry(id_: str, reward: Reward | None, shown: tuple[str, ...] | None = None) -> Entry:
    case = Case(id=id_, task=f"task {id_}", plan=(Step(id=1, description=f"do {id_}"),), reward=reward)
    episode = None if shown is None else Episode(slate=tuple(Shown(case_id=each) for each in shown))
    return Entry(case, episode=episode)


def ledger(home: Path, *entries: Entry) -> Ledger:
    journal = Journal(home)
    journal.append([CaseWritten(case=each.case, episode=each.episode) for each in entries])
    return journal.ledger


def test_a_row_for_each_case_shown_for_a_judged_task(tmp_path: Path) -> None:
    examples = from_journal(
        ledger(
            tmp_path,
            entry("a", 1),
            entry("b", 0),
            entry("unjudged", None),
            entry("won", 1, ("a", "b", "deleted", "unjudged")),
            entry("lost", 0, ("a",)),
            entry("open", None, ("a",)),
            entry("alone", 1, ()),
        ),
        "default",
    )
    assert examples.rows == (
        Example("task won", "task a", "task a\ndo a", True, 1),
        Example("task won", "task b", "task b\ndo b", False, 1),
        Example("task lost", "task a", "task a\ndo a", True, 0),
    )
    assert examples.gone == 2


def test_a_journal_without_shown_cases_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="nothing to train on") as error:
        from_journal(ledger(tmp_path, entry("a", 1), entry("b", 1, ())), "default")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nonsense", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        (json.dumps({"query": "q", "plan": []}), "lacks case and case_label and truth_label"),
        (json.dumps({**GOOD, "truth_label": "maybe"}), "truth_label: got 'maybe'"),
        (json.dumps({**GOOD, "truth_label": None}), "truth_label: got 'None'"),
        (json.dumps({**GOOD, "truth_label": True, "query": " "}), "query: takes a text"),
        (json.dumps({**GOOD, "truth_label": True, "plan": "none"}), "plan: no JSON in it"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(line: str, reason: str) -> None:
    good = json.dumps({**GOOD, "truth_label": True})
    examples = from_lines([b"\n", line.encode(), good.encode()])
    assert [(each.line, each.reason.startswith(reason)) for each in examples.rejected] == [(2, True)], examples.rejected
    assert examples.rows == (Example("q", "c", "c\nlook", False, 1),)


def test_a_file_without_a_usable_line_names_the_first_fault(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="no line in it can be trained on; line 1: lacks query"):
        from_file(path)
    with pytest.raises(InvalidInputError, match="cannot read"):
        from_file(tmp_path / "missing.jsonl")


def test_groups_compare_tasks_as_the_case_bank_does() -> None:
    row = Example("What IS  it?", "what is it?", "", True, 1)
    assert row.group == "what is it?" and row.is_own_task


def test_the_fingerprint_tells_every_value_apart() -> None:
    base = {**GOOD, "truth_label": 1}
    changes: list[dict[str, object]] = [
        {},
        {"query": "x"},
        {"case": "x"},
        {"case_label": "positive"},
        {"truth_label": 0},
    ]
    prints = {from_lines([json.dumps({**base, **change}).encode()]).fingerprint for change in changes}
    assert len(prints) == len(changes)


def test_case_text_is_the_task_and_its_steps() -> None:
    assert case_text("t", (Step(id=1, description="a"), Step(id=2, description="b"))) == "t\na\nb"


@pytest.mark.skipif(not ORIGINAL.is_file(), reason="the original's data is not here")
def test_every_row_of_the_originals_data_is_read() -> None:
    examples = from_file(ORIGINAL)
    assert (len(examples.rows), len(examples.rejected)) == (7000, 0)
    assert sum(row.label for row in examples.rows) == 1640
