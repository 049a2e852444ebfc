"""Cutting what is too long."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.messages.tool import tool_call

from nodes.cuts import cut_arguments, cut_message, cut_text, even_limit
from nodes.token_count import approximate


@pytest.mark.parametrize(
    ("sizes", "room", "limit"),
    [([], 10, 0), ([5, 5], 10, 5), ([5, 5], 100, 5), ([1, 100, 100], 101, 50), ([100], -5, 0), ([3, 3, 90], 10, 4)],
)
def test_an_even_limit_leaves_the_small_ones_alone(sizes: list[int], room: int, limit: int) -> None:
    assert even_limit(sizes, room) == limit


def test_a_cut_keeps_head_and_tail_and_says_how_much_is_gone() -> None:
    cut = cut_text("a" * 2000 + "b" * 2000, 1000)
    assert len(cut) <= 1000
    assert cut.startswith("a" * 600)
    assert cut.endswith("b" * 300)
    gone = 4000 - cut.count("a") - cut.count("b")
    assert abs(gone - 3044) <= 5
    assert f"{4000 - 956:,} characters left out" in cut


def test_essential_parts_stay_the_last_of_two_and_not_inside_another() -> None:
    text = "ask why" + "x" * 3000 + "ask why now" + "y" * 3000
    cut = cut_text(text, 500, ["ask why", "why now", "not there", ""])
    assert len(cut) <= 500
    assert cut.count("characters left out") == 2
    assert "ask why now" in cut or "ask why" in cut


def test_essential_parts_that_are_too_long_are_cut_too() -> None:
    cut = cut_text("x" * 1000 + "q" * 5000, 400, ["q" * 5000])
    assert len(cut) <= 400
    assert cut.startswith("x")
    assert cut.endswith("q")


def test_a_cut_result_still_says_how_to_read_on() -> None:
    mark = '\n[... 92,000 characters left out; read_result("r0123456789", 5333) reads on ...]\n'
    cut = cut_message(ToolMessage("h" * 5333 + mark + "t" * 2667, tool_call_id="c"), 200)
    assert isinstance(cut, ToolMessage)
    assert mark in str(cut.text)
    assert cut.tool_call_id == "c"
    assert approximate([cut]) <= 200


def test_arguments_are_cut_by_value_and_as_a_whole_where_names_are_too_many() -> None:
    assert cut_arguments({"a": 1}, 5) == {"a": 1} or cut_arguments({"a": 1}, 8) == {"a": 1}
    cut = cut_arguments({"a": 1, "text": "x" * 5000, "list": list(range(5000))}, 400)
    assert cut["a"] == 1
    assert cut["text"].startswith("xxx")
    assert cut["list"].startswith("[0, 1, 2")
    assert set(cut_arguments({f"name{n}": n for n in range(5000)}, 400)) == {"cut"}


def test_a_message_with_text_and_calls_shares_its_room() -> None:
    calls = [tool_call(name="f", args={"t": "x" * 9000}, id="1"), tool_call(name="g", args={"n": 1}, id="2")]
    cut = cut_message(AIMessage("said " * 2000, tool_calls=calls), 400)
    assert isinstance(cut, AIMessage)
    assert [call["id"] for call in cut.tool_calls] == ["1", "2"]
    assert cut.tool_calls[1]["args"] == {"n": 1}
    assert "left out" in str(cut.text)
    assert approximate([cut]) <= 400
