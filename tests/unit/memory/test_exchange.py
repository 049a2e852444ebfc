"""Import and export: every good line gets in, every bad one is named, and our own export restores exactly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.errors import InvalidInputError
from memory.case import Case, Reward, Step, ToolUse, case_id, with_own_id
from memory.entries import Entry
from memory.episode import Episode
from memory.exchange import export_file, parse_plan, read_file, read_lines
from memory.journal import replay
from memory.open_memories import open_case_memory
from tests.conftest import SettingsFactory
from tests.project_files import ROOT

ORIGINAL = ROOT.parent / "shared" / "data"
PLAN = '{"plan": [{"id": 1, "description": "look it up"}]}'


def line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row).encode()


@pytest.mark.parametrize(
    ("row", "reward"),
    [
        ({"question": "q", "plan": PLAN, "reward": 1}, 1),
        ({"question": "q", "plan": PLAN, "reward": 0.0}, 0),
        ({"question": "q", "plan": PLAN, "reward": True, "extra": [1]}, 1),
        ({"case": "q", "plan": PLAN, "case_label": "positive"}, 1),
        ({"case": "q", "plan": json.loads(PLAN), "case_label": "negative"}, 0),
    ],
)
def test_the_originals_formats(row: Mapping[str, Any], reward: Reward) -> None:
    (entry,), report = read_lines([line(row)], "team")
    assert (entry.case.task, entry.case.reward, entry.case.reward_source) == ("q", reward, "import")
    assert (entry.case.namespace, entry.case.plan) == ("team", (Step(id=1, description="look it up"),))
    assert entry.case.id == case_id("q", entry.case.plan, "", "team")
    assert (report.duplicates, report.rejected) == (0, ())


@pytest.mark.parametrize(
    "text",
    [
        PLAN,
        f"```json\n{PLAN}\n```",
        f"```\n{PLAN}```",
        f"Here is the plan:\n{PLAN}\nGood luck!",
        '[{"description": "look it up"}]',
        '{"plan": [{"id": "1", "description": "look it up", "tool": null}]}',
    ],
)
def test_plan_texts_as_models_write_them(text: str) -> None:
    assert parse_plan(text) == (Step(id=1, description="look it up"),)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{", "not a JSON object"),
        (b"[1]", "not a JSON object"),
        (b"\xff\xfe", "not a JSON object"),
        (b"[" * 100_000, "not a JSON object"),
        (line({"question": "q", "reward": 1}), "lacks plan"),
        (line({"plan": PLAN}), "lacks question and reward"),
        (line({"question": " ", "plan": PLAN, "reward": 1}), "question: takes a text"),
        (line({"question": ["q"], "plan": PLAN, "reward": 1}), "question: takes a text"),
        (line({"question": "\ud800", "plan": PLAN, "reward": 1}), "surrogates not allowed"),
        (line({"question": "q", "plan": PLAN, "reward": 2}), "reward: got '2', takes 0 or 1"),
        (line({"question": "q", "plan": PLAN, "reward": "1"}), "reward: got '1', takes 0 or 1"),
        (line({"case": "q", "plan": PLAN, "case_label": "good"}), "case_label: got 'good'"),
        (line({"question": "q", "plan": "none", "reward": 1}), "plan: no JSON in it"),
        (line({"question": "q", "plan": '{"plan": [', "reward": 1}), "plan: broken JSON"),
        (line({"question": "q", "plan": '{"plan": []}', "reward": 1}), "plan: no list of steps"),
        (line({"question": "q", "plan": [{"id": 1}], "reward": 1}), "plan: step 1 has no description"),
        (line({"format": "memento-case/2", "case": {}}), "format: Input should be"),
        (line({"format": "memento-case/1", "case": {"id": "x"}}), "case.task: Field required"),
    ],
)
def test_bad_lines_are_named_and_the_rest_is_read(bad: bytes, reason: str) -> None:
    good = line({"question": "q", "plan": PLAN, "reward": 1})
    entries, report = read_lines([b"\n", bad, good], "default")
    assert [entry.case.task for entry in entries] == ["q"]
    assert [rejected.line for rejected in report.rejected] == [2]
    assert reason in report.rejected[0].reason


def test_exact_duplicates_collapse_and_contradictions_are_named() -> None:
    rows = [("Who?", 1), (" who? ", 1), ("Who?", 0), ("When?", 0)]
    entries, report = read_lines([line({"question": q, "plan": PLAN, "reward": r}) for q, r in rows], "default")
    assert [(entry.case.task, entry.case.reward) for entry in entries] == [("Who?", 1), ("When?", 0)]
    assert (report.duplicates, [rejected.line for rejected in report.rejected]) == (1, [3])


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot read .*nowhere: No such file"):
        read_file(tmp_path / "nowhere", "default")
    with pytest.raises(InvalidInputError, match=r"cannot write .*: Is a directory"):
        export_file(replay(tmp_path).entries, tmp_path)


def _entries(home: Path) -> list[Entry]:
    return list(replay(home).entries.values())


async def test_export_restores_the_same_bank(settings: SettingsFactory, tmp_path: Path) -> None:
    use = ToolUse(name="t", arguments={"ö": [1, None, {"x": 0.5}]}, result="r\u2028", ok=False)
    step = Step(id=1, description="d", depends_on=(3,), status="done", result="5", calls=(use,))
    cases = [
        with_own_id(Case(id="-", task=f"täsk {number}\n", plan=(step,), reward=reward, run_id="r", lesson="l",
                         namespace="space", parents=("p",), created_at=number / 7, seconds=0.1, model="m"))
        for number, reward in enumerate((1, 0, None, 1))
    ]  # fmt: skip
    ids = [case.id for case in cases]
    first, second = settings(home=tmp_path / "one"), settings(home=tmp_path / "two")
    async with open_case_memory(first) as memory:
        await memory.write(cases[0], Episode(policy="random", k=3))
        await memory.import_cases(cases[1:])
        await memory.set_archived([ids[1]], True, namespace="space")
        await memory.feedback(ids[3], 0, "wrong", namespace="space")
    exported = tmp_path / "export.jsonl"
    ledger = await asyncio.to_thread(replay, first.home)
    assert await asyncio.to_thread(export_file, ledger.entries, exported) == 4
    async with open_case_memory(second) as memory:
        refused = await memory.import_file(exported, namespace="elsewhere")
        assert (refused.added, len(refused.rejected)) == (0, 4)
        assert "is of namespace 'space'" in refused.rejected[0].reason
        report = await memory.import_file(exported, namespace="space")
        assert (report.added, report.rejected) == (4, ())
        assert (await memory.import_file(exported, namespace="space")).known == 4
        found = await memory.retrieve("x", policy="cosine", k=9, namespace="space")
    assert {scored.case.id for scored in found.cases} == {ids[0], ids[3]}
    before, restored = [await asyncio.to_thread(_entries, settings_.home) for settings_ in (first, second)]
    assert [(e.case, e.archived, e.episode) for e in before] == [(e.case, e.archived, e.episode) for e in restored]
    assert {entry.origin for entry in restored} == {"import:export.jsonl"}


@pytest.mark.skipif(not (ORIGINAL / "memory.jsonl").is_file(), reason="the original's data is not here")
@pytest.mark.parametrize(("name", "rows"), [("memory.jsonl", 1278), ("dummy_memo.jsonl", 8)])
def test_every_row_of_the_originals_banks_is_read(name: str, rows: int) -> None:
    entries, report = read_file(ORIGINAL / name, "default")
    assert (len(entries), report.duplicates, report.rejected) == (rows, 0, ())
