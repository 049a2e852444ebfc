"""When two answers say the same without asking a model."""

from __future__ import annotations

import pytest

from nodes.answer_match import alternatives, matches


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("1776", "1776"),
        ("1,776", "1776"),
        ("1776.0", "1776"),
        ("$52.20", "52.2"),
        ("24%", "24"),
        ("-3", "-3"),
        ("The Hague.", "the hague"),
        ("bloomsburg", "Bloomsburg<|answer_split|>Eyersburg"),
        ("Eyersburg", ["Bloomsburg", "Eyersburg"]),
        ("Zürich", "Zu\u0308rich"),
        ("東京", "東京"),
    ],
)
def test_the_same(answer: str, reference: str | list[str]) -> None:
    assert matches(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("1777", "1776"),
        ("-3", "3"),
        ("It is 1776", "1776"),
        ("", "1776"),
        ("the", "a"),
        ("!", "?"),
        ("1.776", "1776"),
        ("Bern", []),
        ("Bern", ""),
    ],
)
def test_not_the_same(answer: str, reference: str | list[str]) -> None:
    assert not matches(answer, reference)


def test_alternatives_are_split_and_stripped() -> None:
    assert alternatives("a <|answer_split|> b<|answer_split|>") == ["a", "b"]
    assert alternatives(["a", " b "]) == ["a", "b"]
