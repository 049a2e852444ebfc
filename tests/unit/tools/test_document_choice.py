"""What is shown of a document: numbers, queries, room, time, and the lines that say how to go on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from configs.errors import ToolCallError
from tools.documents.choice import LIMIT, Shown, best_passages, choose, numbers
from tools.documents.document import Document, Part, Source, of_parts, split, table
from tools.documents.reader import members_of
from tools.documents.shown import shown

TEN = of_parts("PDF", "page", [Part(f"Page {number} speaks of {word}.") for number, word in enumerate(
    ["apples", "pears", "plums", "cherries", "quinces", "medlars", "grapes", "figs", "dates", "lemons"], start=1
)])  # fmt: skip


def source(seconds: float = 60) -> Source:
    return Source(Path("x"), "x", Path(), time.monotonic() + seconds, lambda done, total, text: None)


def told(document: Document, pages: str = "", query: str = "", seconds: float = 60) -> str:
    choice = choose(document, source(seconds), pages, query)
    facts = {"kind": document.kind, "unit": document.unit, "total": document.total, "facts": (), "notes": ()}
    return shown("a.pdf", {**facts, **choice.as_json()}, pages, query)


@pytest.mark.parametrize(
    ("pages", "found"),
    [("3-5", [3, 4, 5]), ("2,7", [2, 7]), ("8-", [8, 9, 10]), ("-2", [1, 2]), ("9-99", [9, 10]), (" 4 , 4-5", [4, 5])],
)
def test_numbers(pages: str, found: list[int]) -> None:
    assert numbers(pages, 10, "page") == found


@pytest.mark.parametrize("pages", ["eleven", "11", "0", "5-3", "3;4", "-", "1-2-3"])
def test_numbers_that_are_none_are_refused_with_an_example_or_the_total(pages: str) -> None:
    with pytest.raises(ValueError, match=r"such as 3-5|it has 10 pages"):
        numbers(pages, 10, "page")


def test_all_that_fits_is_shown_and_nothing_said_of_more() -> None:
    text = told(TEN)
    assert "a.pdf: PDF, 10 pages" in text
    assert "--- page 10 ---\nPage 10 speaks of lemons." in text
    assert "Goes on" not in text


def test_what_has_no_room_is_asked_for_by_its_number() -> None:
    long = of_parts("PDF", "page", [Part("x" * (LIMIT // 2)) for _ in range(5)])
    text = told(long)
    assert "--- page 1 ---" in text
    assert "--- page 2 ---" not in text
    assert "Goes on with page 2 of 5: pages='2-'" in text
    assert "Goes on with page 4 of 5, of the pages 3- asked for: pages='4-'" in told(long, pages="3-")


def test_a_part_that_is_too_long_by_itself_is_cut_and_says_by_how_much() -> None:
    assert "[cut here: 1,000 more characters" in told(of_parts("text", "part", [Part("y" * (LIMIT + 1000))]))


def test_a_query_finds_the_page_and_names_it() -> None:
    text = told(TEN, query="Where is the quince?")
    assert "--- page 5 ---\nPage 5 speaks of quinces." in text
    assert "lemons" not in text
    assert "10 pages searched" in text


def test_a_query_without_a_match_says_so_and_shows_nothing() -> None:
    text = told(TEN, query="zeppelin")
    assert "no word of 'zeppelin' is in them" in text
    assert "--- page" not in text


def test_when_time_is_up_the_first_part_is_there_and_the_rest_is_named() -> None:
    assert "Goes on with page 2 of 10" in told(TEN, seconds=-1)
    assert "1 page searched; not searched for lack of time: from page 2 on" in told(TEN, query="lemons", seconds=-1)


def test_rare_words_weigh_more_than_common_ones() -> None:
    passages = [Shown(number, "", text) for number, text in enumerate(["the the the", "the turbine", "the the"])]
    assert best_passages(passages, "the turbine")[0].text == "the turbine"


def test_split_keeps_every_word_and_the_size() -> None:
    text = "\n\n".join(f"Paragraph {number} " + "word " * 50 for number in range(100))
    pieces = split(text, 1000)
    assert all(len(piece) <= 1000 for piece in pieces)
    assert " ".join(pieces).split() == text.split()


def test_a_table_is_square_and_its_cells_are_on_one_line() -> None:
    assert table([["a", "b"], ["1|2\n3"]]) == "| a | b |\n| --- | --- |\n| 1\\|2 3 |  |"


def test_members() -> None:
    assert members_of("a.zip!/b/c.tar!/d.txt") == ("a.zip", ["b/c.tar", "d.txt"])
    with pytest.raises(ToolCallError, match=r"archive\.zip!/folder/name\.txt"):
        members_of("a.zip!/")
