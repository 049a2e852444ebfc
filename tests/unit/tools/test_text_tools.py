"""Words and letters."""

from __future__ import annotations

import pytest

from tools.servers import text as tools
from tools.servers.serving import without_titles


def test_counting() -> None:
    assert tools.count_words(" the  quick\nbrown fox ") == "4"
    assert tools.count_words("") == "0"
    assert tools.count_characters("New York") == "7"
    assert tools.count_letter("Mississippi", "S") == "4"
    assert tools.count_letter("banana", " a ") == "3"
    assert [tools.count_letter("Straße", each) for each in "sß"] == ["1", "1"]
    assert tools.count_letter("ΣΊΣΥΦΟΣ σίσυφος", "σ") == "6"
    assert tools.count_letter("Cafe\u0301 café", "é") == "2"
    with pytest.raises(ValueError, match="takes one character"):
        tools.count_letter("banana", "")


def test_writing_otherwise() -> None:
    assert tools.reverse("memento") == "otnemem"
    assert tools.uppercase("abc") == "ABC"
    assert tools.lowercase("ABC") == "abc"
    assert tools.replace("a cat and a cat", "cat", "dog") == "a dog and a dog"
    with pytest.raises(ValueError, match="old is empty"):
        tools.replace("a", "", "b")


@pytest.mark.parametrize(
    ("text", "result"),
    [("pear apple fig", "apple fig pear"), ("pear, Apple ,fig", "Apple, fig, pear"), ("b a,", "b a"), ("", "")],
)
def test_sorting_words(text: str, result: str) -> None:
    assert tools.sort_words(text) == result


def test_titles_go_but_an_argument_named_title_stays() -> None:
    schema = {"title": "X", "type": "object", "properties": {"title": {"title": "Title", "type": "string"}}}
    assert without_titles(schema) == {"type": "object", "properties": {"title": {"type": "string"}}}
