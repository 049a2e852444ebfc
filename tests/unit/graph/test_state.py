"""The reducers: pure, idempotent by id, and deaf to what another task left behind."""

from __future__ import annotations

import copy
import inspect
import typing
from typing import Any

import pytest
from langgraph.graph import StateGraph

from graph import state
from graph.state import claim, claimed_by, merge_by_id, merge_in_order

A, B, A2 = {"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 1, "v": "changed"}
NEW: dict[str, Any] = {"value": "x"}
MINE: dict[str, Any] = {"value": "x", "task_id": "t1"}


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ([], [], []),
        ([], [A], [A]),
        ([A], [], [A]),
        ([A], [B], [A, B]),
        ([B], [A], [B, A]),
        ([A, B], [A2], [A2, B]),
        ([A], [A], [A]),
        ([], [A, A2], [A2]),
        (None, [A], [A]),
        ([A], None, [A]),
    ],
)
def test_merge_by_id(old: Any, new: Any, merged: list[dict[str, Any]]) -> None:
    before = copy.deepcopy((old, new))
    assert merge_by_id(old, new) == merged
    assert merge_by_id(merge_by_id(old, new), new) == merged, "a repeated write changes nothing"
    assert (old, new) == before, "arguments are left alone"


@pytest.mark.parametrize(("old", "new"), [([], [A, B]), ([], [B, A]), ([B], [A]), ([A], [B]), ([A, B], [])])
def test_results_stand_in_the_order_of_the_plan(old: Any, new: Any) -> None:
    assert merge_in_order(old, new) == [A, B]
    assert merge_in_order(merge_in_order(old, new), new) == [A, B]


def test_branches_merge_in_any_order_to_the_same_entries() -> None:
    def by_id(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(entries, key=lambda entry: str(entry["id"]))

    assert by_id(merge_by_id(merge_by_id([], [A]), [B])) == by_id(merge_by_id(merge_by_id([], [B]), [A]))


def test_merge_by_id_returns_a_list_of_its_own() -> None:
    old = [A]
    assert merge_by_id(old, []) is not old


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ({}, "x", NEW),
        ({}, ["x", "y"], {"value": ["x", "y"]}),
        ({}, None, {}),
        ({}, "", {}),
        ({}, [], {}),
        (NEW, {"claimed_by": "t1"}, MINE),
        (MINE, {"claimed_by": "t1"}, MINE),
        (MINE, {"claimed_by": "t2"}, {}),
        ({}, {"claimed_by": "t1"}, {}),
        (MINE, "y", {"value": "y"}),
        (MINE, None, {}),
        (NEW, "y", {"value": "y"}),
    ],
)
def test_claim(old: dict[str, Any], new: Any, kept: dict[str, Any]) -> None:
    before = copy.deepcopy((old, new))
    assert claim(old, new) == kept
    assert claim(claim(old, new), new) == kept, "a repeated write changes nothing"
    assert (old, new) == before, "arguments are left alone"


def test_an_input_serves_one_task_and_is_gone_for_the_next() -> None:
    first = claim(claim({}, "42"), {"claimed_by": "t1"})
    assert first == {"value": "42", "task_id": "t1"}
    assert claim(first, {"claimed_by": "t2"}) == {}
    second = claim(claim(first, "43"), {"claimed_by": "t2"})
    assert second == {"value": "43", "task_id": "t2"}


def test_the_graph_passes_the_first_write_through_the_reducer_too() -> None:
    """LangGraph stores the first value of a channel as it is unless the annotated type gives an initial one."""
    graph = StateGraph(state.State, input_schema=state.Input)
    graph.add_node("look", lambda values: {})
    graph.set_entry_point("look")
    assert graph.compile().invoke({"messages": [], "expected_answer": "42"})["expected_answer"] == {"value": "42"}


def test_what_another_task_claimed_is_not_this_ones() -> None:
    assert claimed_by(NEW, "t1") == "x"
    assert claimed_by(MINE, "t1") == "x"
    assert claimed_by(MINE, "t2") is None
    assert claimed_by({}, "t1") is None


def test_every_schema_is_a_typed_dict_that_servers_can_describe() -> None:
    """typing.TypedDict breaks /schemas of the server on Python 3.11; typing_extensions' does not."""
    schemas = [
        value
        for _, value in inspect.getmembers(state, inspect.isclass)
        if value.__module__ == state.__name__ and issubclass(value, dict)
    ]
    assert {"State", "Input", "Output", "Task"} <= {schema.__name__ for schema in schemas}
    for schema in schemas:
        assert type(schema).__module__ == "typing_extensions", schema


def test_what_goes_in_and_out_is_part_of_the_state() -> None:
    everything = typing.get_type_hints(state.State)
    assert set(typing.get_type_hints(state.Input)) <= set(everything)
    assert set(typing.get_type_hints(state.Output)) <= set(everything)
    assert "expected_answer" not in typing.get_type_hints(state.Output)
