"""A file is not believed: not its ids, steps, sizes, times or kind, and where its cases came from is not forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from configs.errors import InvalidInputError
from memory.case import Case, Step, with_own_id
from memory.episode import Episode
from memory.exchange import PLAN_STEPS, TASK_CHARS, export_file, parse_plan, read_file, read_lines
from memory.journal import replay
from memory.jsonl_lines import LONGEST_LINE
from memory.open_memories import open_case_memory
from memory.training.examples import from_file
from memory.trust import TRUSTED
from tests.conftest import SettingsFactory

DAY = 86_400.0
PLAN = [{"id": 1, "description": "look it up"}]
GOOD = json.dumps({"question": "good", "plan": PLAN, "reward": 1}).encode()


def a_case(task: str = "q", **fields: Any) -> Case:
    plan = fields.pop("plan", (Step(id=1, description="d"),))
    return with_own_id(Case(id="-", task=task, plan=plan, **{"reward": 1, **fields}))


def ours(case: Case, **fields: Any) -> bytes:
    return json.dumps({"format": "memento-case/1", "case": case.model_dump(mode="json"), **fields}).encode()


def steps(*ids: int) -> tuple[Step, ...]:
    return tuple(Step(id=number, description=f"step {place}") for place, number in enumerate(ids))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (ours(a_case().model_copy(update={"id": a_case(namespace="theirs").id})), "its id is not that of its text"),
        (ours(a_case().model_copy(update={"task": "other"})), "its id is not that of its text"),
        (ours(a_case().model_copy(update={"id": "x" * 129})), "case.id: String should have at most 128"),
        (ours(a_case(plan=steps(1, 2, 1))), "case.plan: two steps have one id"),
        (ours(a_case(plan=steps(*range(PLAN_STEPS + 1)))), "plan: more than 200 steps"),
        (ours(a_case("x" * (TASK_CHARS + 1))), "case.task: longer than 100000 characters"),
        (json.dumps({"question": "x" * (TASK_CHARS + 1), "plan": PLAN, "reward": 1}).encode(), "question: longer than"),
        (json.dumps({"question": "q", "plan": PLAN * 201, "reward": 1}).encode(), "plan: more than 200 steps"),
        (ours(a_case(), origin="run"), "origin: got 'run'"),
        (b" " * (LONGEST_LINE + 1) + b"\n", "longer than 4 MiB"),
    ],
)
def test_lines_that_are_not_believed(bad: bytes, reason: str) -> None:
    entries, report = read_lines([bad, GOOD], "default")
    assert [entry.case.task for entry in entries] == ["good"]
    assert [(one.line, reason in one.reason) for one in report.rejected] == [(1, True)], report.rejected


def test_what_is_just_within_the_bounds_is_read() -> None:
    longest = ours(a_case("x" * TASK_CHARS, plan=steps(*range(PLAN_STEPS))))
    lines = [longest + b" " * (LONGEST_LINE - len(longest)) + b"\n", GOOD]
    entries, report = read_lines(lines, "default")
    assert (len(entries), report.rejected) == (2, ())


def test_steps_of_one_id_in_the_originals_plans_are_numbered_by_place() -> None:
    plan = [{"id": 7, "description": "a"}, {"id": 7, "description": "b"}, {"id": 9, "description": "c"}]
    for step, before in zip(plan, ([], [7], [7, 3]), strict=True):
        step["depends_on"] = before
    assert [(step.id, step.depends_on) for step in parse_plan(plan)] == [(1, ()), (2, (1,)), (3, (1,))]
    assert [step.id for step in parse_plan([plan[0], plan[2]])] == [7, 9]


@pytest.mark.parametrize("reader", [lambda path: read_file(path, "default"), from_file])
def test_only_regular_files_are_read(tmp_path: Path, reader: Any) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(InvalidInputError, match=rf"^cannot read {path}: not a regular file$"):
            reader(path)


def test_a_long_line_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as file:
        file.truncate(16 * LONGEST_LINE)  # one line of zeros
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + GOOD + b"\n")
    tracemalloc.start()
    entries, report = read_file(path, "default")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [entry.case.task for entry in entries] == ["good"]
    assert [(one.line, one.reason) for one in report.rejected] == [(1, "longer than 4 MiB")]
    assert peak < 3 * LONGEST_LINE
    with pytest.raises(InvalidInputError, match="line 1: longer than 4 MiB"):
        from_file(path)


@pytest.mark.parametrize(("at", "kept"), [(DAY / 2, True), (2 * DAY, False), (-1e12, False)])
def test_times_that_cannot_be_become_that_of_the_import(at: float, kept: bool) -> None:
    before = time.time()
    given = a_case(created_at=before + at)
    ((entry,), _) = read_lines([ours(given)], "default")
    assert (entry.case.created_at == given.created_at) == kept
    assert kept or before <= entry.case.created_at <= time.time()
    assert entry.case.id == given.id


@pytest.mark.parametrize("vouched", [False, True])
async def test_export_import_export_is_the_same_and_forgets_no_import(
    settings: SettingsFactory, tmp_path: Path, vouched: bool
) -> None:
    given, first, second = (tmp_path / name for name in ("given.jsonl", "first.jsonl", "second.jsonl"))
    await asyncio.to_thread(given.write_bytes, GOOD)
    homes = [settings(home=tmp_path / name) for name in ("one", "two")]
    run, verified = a_case("run", run_id="r", reward_source="judge"), a_case("verified", reward_source="verifier")
    async with open_case_memory(homes[0]) as memory:
        await memory.write(run, Episode(policy="none"))
        await memory.import_file(given, namespace="default", vouched=True)
        await memory.import_cases([verified])
    await asyncio.to_thread(lambda: export_file(replay(homes[0].home).entries, first))
    async with open_case_memory(homes[1]) as memory:
        assert (await memory.import_file(first, namespace="default", vouched=vouched)).added == 3
    await asyncio.to_thread(lambda: export_file(replay(homes[1].home).entries, second))
    rows, again = [await asyncio.to_thread(path.read_bytes) for path in (first, second)]
    assert rows == again
    assert [json.loads(row)["origin"] for row in rows.splitlines()] == ["", "import:given.jsonl", ""]
    ledger = await asyncio.to_thread(replay, homes[1].home)
    facts = await asyncio.to_thread(lambda: ledger.facts("default", list(ledger.entries)))
    trusted = [fact.trust >= TRUSTED for fact in facts.values()]
    assert sorted(trusted) == ([False, True, True] if vouched else [False] * 3)
