"""The answer that no model writes."""

from __future__ import annotations

from typing import Any

from nodes.last_answer import answer_from, cut_short

PLAN: Any = [
    {"id": 1, "description": "Multiply.", "depends_on": []},
    {"id": 2, "description": "Add.", "depends_on": [1]},
    {"id": 3, "description": "Divide.", "depends_on": [2]},
]
RESULTS: Any = [
    {"id": 1, "description": "Multiply.", "status": "done", "result": "1776", "tool_calls": []},
    {"id": 2, "description": "Add.", "status": "partial", "result": "add: 3", "tool_calls": []},
]


def test_it_says_what_is_known_and_what_is_not() -> None:
    assert answer_from(PLAN, RESULTS, "The budget of 5 model calls is used up.") == (
        "There is no complete answer. The budget of 5 model calls is used up. What is known:\n"
        "- Multiply. 1776\n- Add. (partial) add: 3\n- Divide. Not carried out."
    )
    assert answer_from([], [], "No.") == "There is no complete answer. No. Nothing was found out."


def test_a_planner_was_cut_short_where_something_is_not_done_or_it_wanted_to_go_on() -> None:
    call: Any = {"role": "planner"}
    assert cut_short(PLAN, RESULTS, [call])
    assert not cut_short(PLAN[:1], RESULTS, [call])
    assert cut_short(PLAN[:1], RESULTS, [call, call])
