"""A case's id is that of its text as kept, also where the text held a secret."""

from __future__ import annotations

import asyncio

from graph.api import aask
from memory.case import Case, Step, case_id
from memory.case_bank import CaseBank
from memory.entries import Entry
from memory.journal import replay
from memory.subtask_memory import subtasks_of
from tests.conftest import SettingsFactory
from tests.fakes.quick_bank import opened, quick_case
from tests.fakes.scripted_model import ScriptedModel
from tests.fakes.services import scripted_services

KEY = f"sk-proj-{'x1' * 20}"
STEP = Step(id=1, description="look it up", status="done", result="r")


def own_id(case: Case) -> str:
    return case_id(case.task, case.plan, case.run_id, case.namespace)


async def test_a_run_about_a_secret_is_known_by_the_id_of_what_is_kept(settings: SettingsFactory) -> None:
    made = settings(judge_model="none")
    async with scripted_services(made, ScriptedModel(['{"final_answer": "1776"}']), ScriptedModel()) as services:
        result = await aask(f"What is {KEY} good for?", services=services)
    (kept,) = [entry.case for entry in (await asyncio.to_thread(lambda: dict(replay(made.home).entries))).values()]
    assert KEY not in kept.model_dump_json()
    assert result.case_id == kept.id == own_id(kept)


def test_an_imports_case_with_a_secret_gets_the_id_of_the_text_without_it(settings: SettingsFactory) -> None:
    given = quick_case(f"about {KEY}")
    with opened(settings()) as bank:
        first = bank.add([Entry(given, origin="import:x")])
        kept = next(iter(bank.ledger.entries.values())).case
        assert first == [kept.id] == [own_id(kept)] != [given.id]
        assert bank.add([Entry(given, origin="import:x")]) == [], "known by its new id"
        other = quick_case("without one")
        assert bank.add([Entry(other, origin="import:x")]) == [other.id]


def test_no_case_has_two_subtasks_of_one_id(settings: SettingsFactory) -> None:
    twice = (STEP, STEP, Step(id=1, description="another", status="done", result="s"))
    case = Case(id="c", task="t", plan=twice, reward=1)
    assert [(one.id, one.description) for one in subtasks_of(case)] == [("c:1", "look it up")]
    with opened(settings()) as bank:
        bank.add([Entry(case)])
        assert _found(bank) == ["c:1"]


def _found(bank: CaseBank) -> list[str]:
    return [one.id for one in bank.nearest_subtasks("default", bank.embed("look it up"), 9)]
