"""Pieces of text in the order a person reads them."""

from __future__ import annotations

from tools.media.reading_order import Piece, in_order


def line(left: float, top: float, text: str, confidence: float = 1.0) -> Piece:
    return Piece(left, top, left + 10 * len(text), top + 20, text, confidence)


LEFT = ["the first column says", "something in its four", "lines, one below the", "other, to its end"]
RIGHT = ["and the second column", "goes on beside it with", "four lines of its own", "until it ends as well"]


def test_two_columns_below_a_title_are_read_one_after_the_other() -> None:
    columns = [line(0, 60 + 25 * n, text) for n, text in enumerate(LEFT)]
    columns += [line(260, 60 + 25 * n, text) for n, text in enumerate(RIGHT)]
    title = line(0, 0, "A title that goes over both columns of it")
    assert in_order([*columns[::-1], title]).split("\n\n") == [title.text, "\n".join(LEFT), "\n".join(RIGHT)]


def test_a_table_is_read_row_by_row() -> None:
    cells = [("apples", "3", "1.20"), ("pears", "10", "4.00"), ("plums", "7", "2.10"), ("total", "", "7.30")]
    pieces = [line(200 * x, 25 * y, text) for y, row in enumerate(cells) for x, text in enumerate(row) if text]
    assert in_order(pieces[::-1]).splitlines() == ["  ".join(filter(None, row)) for row in cells]


def test_pieces_of_one_line_may_stand_a_little_higher_or_lower() -> None:
    pieces = [line(200, 3, "world"), line(0, 0, "hello"), line(0, 24, "below")]
    assert in_order(pieces) == "hello  world\nbelow"


def test_unsure_pieces_are_marked_and_paragraphs_kept_apart() -> None:
    assert in_order([line(0, 0, "sure"), line(0, 90, "guess", 0.6)]) == "sure\n\nguess [?]"
    assert in_order([]) == ""
