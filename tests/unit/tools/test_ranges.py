"""Names of cells and ranges."""

from __future__ import annotations

import random

import pytest

from tools.tables.ranges import Range, joined, letters, lines, number, parse_range


def test_columns_there_and_back() -> None:
    assert [letters(each) for each in (1, 26, 27, 702, 703, 16384)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
    assert all(number(letters(each)) == each for each in range(1, 16385))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A1", Range(1, 1, 1, 1)),
        ("$B$2:D9", Range(2, 2, 9, 4)),
        ("d9:b2", Range(2, 2, 9, 4)),
        ("C:C", Range(1, 3, 1_048_576, 3)),
        ("4:7", Range(4, 1, 7, 16_384)),
        ("XFD1048576", Range(1_048_576, 16_384, 1_048_576, 16_384)),
    ],
)
def test_ranges_are_read(text: str, found: Range) -> None:
    assert parse_range(text) == found


@pytest.mark.parametrize("text", ["", "A", "7", "A0", "XFE1", "A1048577", "A1:B2:C3", "Sheet1!A1", "A1 B2", "1" * 99])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no range|is no cell|is outside a sheet"):
        parse_range(text)


def test_cells_are_joined_into_rectangles_that_hold_exactly_them() -> None:
    assert [str(each) for each in joined([(1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (2, 4)])] == ["A1:B2", "D2", "A4"]
    chance = random.Random(3)
    for _ in range(50):
        cells = {(chance.randint(1, 9), chance.randint(1, 9)) for _ in range(40)}
        found = [
            (row, column)
            for each in joined(cells)
            for row in range(each.top, each.bottom + 1)
            for column in range(each.left, each.right + 1)
        ]
        assert len(found) == len(set(found))
        assert set(found) == cells


def test_rows_and_columns_in_short() -> None:
    assert lines({2, 4, 5, 6}) == "2, 4:6"
    assert lines({2, 4, 5, 6}, columns=True) == "B, D:F"
