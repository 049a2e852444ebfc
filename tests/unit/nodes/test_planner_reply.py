"""What models really send, and what is read from it."""

from __future__ import annotations

import time

import pytest

from configs.errors import PlanFormatError
from graph.state import Subtask
from nodes.planner_reply import FinalAnswer, ProposedPlan, json_objects, parse_last_reply, parse_reply, to_subtasks

PLAN = '{"plan": [{"id": 1, "description": "look it up"}]}'


@pytest.mark.parametrize(
    "text",
    [
        PLAN,
        f"```json\n{PLAN}\n```",
        f"Sure! Here is the plan:\n\n{PLAN}\n\nLet me know.",
        f"I think {{this}} is best: {PLAN}",
        '{"thought": "hm"}\n' + PLAN,
        '{"plan": [{"id": "1", "description": "look it up"}], "final_answer": null}',
        PLAN.replace("look it up", "look\nit up"),
    ],
)
def test_a_plan_is_found_wherever_it_stands(text: str) -> None:
    reply = parse_reply(text)
    assert isinstance(reply, ProposedPlan)
    assert [(each.id, each.description.replace("\n", " ")) for each in reply.plan] == [(1, "look it up")]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"final_answer": "1776"}', "1776"),
        ('{"final_answer": 1776}', "1776"),
        ("FINAL ANSWER: 1776", "1776"),
        ("All done.\n**FINAL ANSWER:** Bern", "Bern"),
        ("Final answer: `Bern`", "Bern"),
        ('```json\n{"final_answer": "Bern"}\n```', "Bern"),
        ("Some {broken json. FINAL ANSWER: 3", "3"),
    ],
)
def test_a_final_answer_is_found_wherever_it_stands(text: str, answer: str) -> None:
    reply = parse_reply(text)
    assert isinstance(reply, FinalAnswer)
    assert reply.final_answer == answer


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds neither"),
        ("I do not know.", "holds neither"),
        ('{"plan": []}', "plan"),
        ('{"plan": [{"id": 1}]}', "description"),
        ('{"plan": "add 1 and 2"}', "plan"),
        ('{"final_answer": ""}', "final_answer"),
        ('{"plan": [{"id": 1, "description": "cut o', "holds neither"),
        ("FINAL ANSWER:   ", "holds neither"),
        ("FINAL ANSWER: ` `", "holds neither"),
        ('{"final_answer": "  "}', "final_answer"),
        ('{"plan": [{"id": 1, "description": " "}]}', "description"),
        ("{" * 5000, "holds neither"),
        ('{"a": ' + "1" * 5000 + "}", "holds neither"),
        ('{"plan": [{"id": "a", "description": "b"}]}', r"plan.0.id: .*integer"),
        ('{"plan": [{"id": 1.5, "description": "b"}]}', r"plan.0.id: .*integer"),
        ('{"plan": [{"id": true, "description": "b"}]}', r"plan.0.id: .*integer"),
        ('{"plan": [{"id": null, "description": "b"}]}', r"plan.0.id: .*integer"),
        ('{"plan": [{"id": 1, "description": "b", "depends_on": ["x"]}]}', r"depends_on.0: .*integer"),
        ('{"plan": [{"id": 1, "description": "b", "depends_on": [false]}]}', r"depends_on.0: .*integer"),
        ('{"plan": [{"id": 1, "description": "b", "depends_on": 1}]}', r"depends_on: .*list"),
        (f'{{"plan": {[{"id": 1, "description": "b"}] * 51}}}'.replace("'", '"'), "plan: List should have at most 50"),
    ],
)
def test_anything_else_is_a_typed_failure_that_says_what_was_wrong(text: str, fault: str) -> None:
    with pytest.raises(PlanFormatError, match=fault):
        parse_reply(text)


def test_the_last_call_takes_plain_text_but_no_plan() -> None:
    assert parse_last_reply("It is 42.").final_answer == "It is 42."
    with pytest.raises(PlanFormatError):
        parse_last_reply(PLAN)
    with pytest.raises(PlanFormatError):
        parse_last_reply("  ")
    with pytest.raises(PlanFormatError):
        parse_last_reply('{"answer": ')


def proposed(*entries: tuple[int, list[int] | None]) -> ProposedPlan:
    return ProposedPlan.model_validate(
        {"plan": [{"id": each, "description": f"task {each}", "depends_on": needs} for each, needs in entries]}
    )


def shape(subtasks: list[Subtask]) -> list[tuple[int, list[int]]]:
    return [(each["id"], each["depends_on"]) for each in subtasks]


def test_without_dependencies_the_subtasks_run_in_order() -> None:
    assert shape(to_subtasks(proposed((1, None), (2, None), (3, None)), [])) == [(1, []), (2, [1]), (3, [2])]


def test_with_dependencies_only_those_are_waited_for() -> None:
    assert shape(to_subtasks(proposed((1, []), (2, []), (3, [1, 2])), [])) == [(1, []), (2, []), (3, [1, 2])]


def test_an_empty_list_of_dependencies_makes_a_plan_a_graph() -> None:
    assert shape(to_subtasks(proposed((1, None), (2, []), (3, [1, 1])), [])) == [(1, []), (2, []), (3, [1])]


def test_ids_of_any_kind_are_numbered_in_the_order_of_the_plan() -> None:
    given = proposed((10**30, []), (-4, [10**30]), (0, [-4, 10**30]))
    assert shape(to_subtasks(given, [])) == [(1, []), (2, [1]), (3, [1, 2])]


def test_a_new_plan_is_numbered_on_and_may_lean_on_earlier_results() -> None:
    earlier: list[Subtask] = [
        {"id": 1, "description": "a", "depends_on": []},
        {"id": 4, "description": "b", "depends_on": []},
    ]
    assert shape(to_subtasks(proposed((1, [4]), (2, [1])), earlier)) == [(5, [4]), (6, [5])]


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([(1, []), (1, [])], "not unique"),
        ([(1, [9])], "depends on 9"),
        ([(1, [2]), (2, [1])], "circle"),
        ([(1, [1])], "circle"),
        ([(3, []), (1, [2]), (2, [1])], r"circle: \[1, 2\]"),
    ],
)
def test_an_impossible_plan_is_refused(entries: list[tuple[int, list[int] | None]], fault: str) -> None:
    with pytest.raises(PlanFormatError, match=fault):
        to_subtasks(proposed(*entries), [])


@pytest.mark.parametrize("piece", ["{", '{"', '{"a":', '{"a":1,', '{"a":\n'])
def test_reading_takes_linear_time(piece: str) -> None:
    started = time.process_time()
    assert list(json_objects(piece * (1_000_000 // len(piece)))) == []
    assert time.process_time() - started < 3, "quadratic reading takes minutes"


@pytest.mark.parametrize("end", ["", " and so", '\n{"final_answer": "c'])
def test_a_whole_object_in_a_cut_reply_counts(end: str) -> None:
    assert isinstance(parse_reply(PLAN + end, cut=True), ProposedPlan)
    assert parse_last_reply('{"final_answer": "4"}' + end, cut=True).final_answer == "4"


@pytest.mark.parametrize("text", ["FINAL ANSWER: four tho", '{"final_answer": "four tho', "four tho", ""])
def test_a_cut_answer_is_never_taken_for_a_whole_one(text: str) -> None:
    for parse in (parse_reply, parse_last_reply):
        with pytest.raises(PlanFormatError, match="cut off"):
            parse(text, cut=True)


def test_numbers_that_are_none_and_texts_that_cannot_be_kept() -> None:
    assert list(json_objects(f'{{"a": NaN}} {{"a": {"9" * 5000}}} {{"b": "\\ud800"}}')) == [{"b": "\ufffd"}]
