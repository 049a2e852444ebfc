"""The report as a page of its own."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from pathlib import Path

import pytest

from evaluation.attempts import pair_to_show
from evaluation.demo_story import NO_PAIR
from evaluation.report import Report, report_html, write_report
from tests.fakes.demo_attempts import comparison

PICTURE = b"\x89PNG made up"


def report(none: str, memory: str, *, quick: bool = False) -> Report:
    compared = comparison(none, memory)
    shown = pair_to_show(compared.pairs)
    return Report(compared, shown, ["less < more"], ["a & b"], "local:<model>", quick=quick, seconds=90)


class Tags(HTMLParser):
    """Collects tags that stay open, and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_no_other_file() -> None:
    tags = Tags()
    tags.feed(report_html(report("-!", "-+++"), PICTURE))
    assert tags.open == []
    assert tags.addresses == [f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"]
    assert not {"script", "link", "iframe"} & set(tags.seen)


def test_what_models_wrote_is_escaped() -> None:
    page = report_html(report("-!", "-+-+"), PICTURE)
    for raw in ("<b>no idea", "<x>", "no plan <here>", "less < more", "a & b", "local:<model>"):
        assert raw not in page
    assert "&lt;b&gt;no idea&lt;/b&gt;" in page and "local:&lt;model&gt;" in page


def test_every_task_has_its_row_beside_its_baseline() -> None:
    page = report_html(report("-+", "-+++"), PICTURE)
    rows = [row for row in page.split("<tr>") if row.startswith('<td class="number">')]
    marks = [(row.count(">–<"), row.count("✗ wrong"), row.count("✓ right")) for row in rows]
    assert marks == [(1, 1, 0), (1, 0, 1), (0, 1, 1), (0, 0, 2)]
    assert all("0.87 What is 12 times 34?" in row for row in rows)
    assert 'multiplication</td><td class="number">1 of 2</td><td class="number">3 of 4<' in page


@pytest.mark.parametrize(("quick", "command"), [(False, "make demo"), (True, "memento demo --quick")])
def test_it_says_how_to_get_it_again(quick: bool, command: str) -> None:
    assert f"<code>{command}</code>" in report_html(report("-", "-+", quick=quick), PICTURE)


def test_without_a_gain_there_is_no_pair_to_show() -> None:
    assert NO_PAIR in report_html(report("-", "--"), PICTURE)


def test_it_is_written_with_the_picture_inside(tmp_path: Path) -> None:
    picture, page = tmp_path / "curve.png", tmp_path / "report.html"
    picture.write_bytes(PICTURE)
    write_report(report("-", "-+"), picture, page)
    assert page.read_text(encoding="utf-8") == report_html(report("-", "-+"), PICTURE)
