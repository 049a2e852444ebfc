"""Names for the tools of several servers."""

from __future__ import annotations

import re

import pytest

from tools.tool_names import unique_names

LONG = "x" * 80


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        ([("math", "add"), ("text", "reverse")], ["add", "reverse"]),
        ([("a", "search"), ("b", "search"), ("b", "get")], ["a_search", "b_search", "get"]),
        ([("my files", "read.file/now")], ["read_file_now"]),
        ([("a", "x.y"), ("b", "x_y")], ["a_x_y", "b_x_y"]),
        ([("a", "")], ["tool"]),
        ([("a", "search"), ("a", "search")], ["a_search", "a_search_2"]),
        ([("a", "search"), ("b", "search"), ("c", "a_search")], ["a_search", "b_search", "a_search_2"]),
    ],
)
def test_names(tools: list[tuple[str, str]], names: list[str]) -> None:
    assert unique_names(tools) == names


def test_long_names_stay_apart_and_valid() -> None:
    names = unique_names([("a", LONG + "1"), ("a", LONG + "2"), ("b", LONG), ("c", LONG), ("c", LONG)])
    assert len(set(names)) == 5
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
