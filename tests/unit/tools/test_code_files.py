"""Where a text that is to be replaced was found, or nearly; in time that grows with the file and no faster."""

from __future__ import annotations

import time

import pytest

from configs.errors import ToolCallError
from tools.code.files import edited

TEXT = "one\n  two  words\n\n\tthree\nfour five\ntwo words six\n"


def refused(text: str, old: str) -> str:
    with pytest.raises(ToolCallError) as caught:
        edited(text, old, "new")
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "line"),
    [
        ("two   words", 2),
        ("two\twords\r\n\r\nthree", 2),
        ("one two words three", 1),
        ("  four five", 5),
        ("words  six", 6),
    ],
)
def test_the_same_words_with_other_spaces_are_told(old: str, line: int) -> None:
    assert f"; at line {line} is the same with other spaces" in refused(TEXT, old)


@pytest.mark.parametrize("old", ["wo   words", "two   word", "words  two", "\u2003 \t"])
def test_words_that_are_not_there_are_not(old: str) -> None:
    assert refused(TEXT, old) == "old is not in the file; read it again and copy the lines exactly"


def test_the_first_ten_places_are_told() -> None:
    assert "there 6 times, at lines 1, 1, 2, 2, 3, 3; give" in refused("a a\n" * 3, "a")
    assert "there 20 times, at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10; give" in refused("x = 1\n" * 20, "= 1")
    assert edited("x\ny\nz", "z", "a") == ("x\ny\na", 3)


@pytest.mark.parametrize(
    ("text", "old"),
    [
        (" " * 4_000_000, " "),
        ("a\n" * 2_000_000, "a\n"),
        ("a\n" * 1_000_000, "a  " * 400_000 + "b"),
        ("a\n" * 1_000_000 + "b\n", "a\n" * 999_999 + "\nb"),
        ("\n" * 4_000_000, "a"),
    ],
    ids=["spaces", "lines", "near", "nearly the whole", "empty lines"],
)
def test_a_large_file_of_repetitions_is_told_in_time(text: str, old: str) -> None:
    began = time.process_time()
    refused(text, old)
    assert time.process_time() - began < 8
