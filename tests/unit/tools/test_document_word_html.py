"""Raised and lowered text, boxes and tables in tables of Word documents, as text."""

from __future__ import annotations

import time

import pytest

from tools.documents.web_page import markdown
from tools.documents.word_html import plain_elements


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("3.7 x 10<sup>13</sup> cells, 10<sup>-6</sup> m", "3.7 x 10^13 cells, 10^-6 m"),
        ("e<sup>x + 1</sup>, x<sup><em>n</em></sup>", "e^(x + 1), x*^n*"),
        ("the 1<sup>st</sup> of H<sub>2</sub>O, log<sub>b</sub> y", "the 1st of H₂O, log_b y"),
        ('a note<sup><a href="#footnote-1">[1]</a></sup>', "a note[[1]](#footnote-1)"),
        ('<input checked="checked" type="checkbox" /> Yes <input type="checkbox" />No', "[x] Yes [ ] No"),
    ],
)
def test_it_is_written_with_signs(html: str, text: str) -> None:
    assert markdown(plain_elements(f"<p>{html}</p>"))[1] == text


def test_a_table_in_a_table_stands_below_it() -> None:
    inner = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    outer = f"<table><tr><td>x</td><td>y</td></tr><tr><td>z</td><td>{inner}</td></tr></table><p>after</p>"
    assert markdown(plain_elements(outer))[1].split("\n\n") == [
        "| x | y |\n| --- | --- |\n| z | [table 1, below] |",
        "[table 1]",
        "| a | b |\n| --- | --- |\n| c | d |",
        "after",
    ]


def test_tables_without_end_in_each_other_end_in_time() -> None:
    start = time.monotonic()
    plain_elements("<table><tr><td>" * 100_000)
    plain_elements(("<table><tr><td>" * 20 + "</td></tr></table>" * 20) * 200)
    assert time.monotonic() - start < 60
