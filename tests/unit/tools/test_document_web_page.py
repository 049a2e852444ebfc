"""HTML files, and what mails, books and notebooks hold of it, as markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.documents.document import Source
from tools.documents.web_page import markdown, read


@pytest.mark.parametrize(
    "hidden",
    [
        *("<p style='display:none'>SECRET</p>", "<p hidden>SECRET</p>", "<p style='font-size:0'>SECRET</p>"),
        *("<p style='visibility: hidden'>SECRET</p>", "<p class=ghost>SECRET</p>", "<!-- SECRET -->"),
        *("<script>SECRET</script>", "<template>SECRET</template>", "<svg><text>SECRET</text></svg>"),
    ],
)
def test_what_no_one_sees_is_not_read(hidden: str) -> None:
    page = f"<title>A  page</title><style>.ghost {{display: none}}</style><p>before</p>{hidden}after"
    assert markdown(page) == ("A page", "before\n\nafter")


def test_it_is_written_out_as_a_crawled_page_is() -> None:
    formula = "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"
    table = f"<tr><th rowspan=2>Area<th>10<sup>6</sup> km<sup>2</sup><tr><td>{formula}"
    assert markdown(f"<table>{table}</table>")[1] == "| Area | 10^6 km^2 |\n| --- | --- |\n|  | a/b |"


@pytest.mark.parametrize("page", ["", " ", "<!-- -->", "<html>"])
def test_next_to_nothing(page: str) -> None:
    assert markdown(page) == ("", "")


def test_what_is_nested_deeply_is_plain_text() -> None:
    assert markdown("<p>top</p>" + "<div>" * 5000 + "<b>deep</b><p hidden>SECRET<i>x")[1] == "top\ndeep"


@pytest.mark.parametrize(("hidden", "told"), [("<p hidden>SECRET", True), ("<p hidden>", False), ("<b>x</b>", False)])
@pytest.mark.parametrize("depth", [1, 5000])
def test_it_says_that_there_is_text_which_the_page_hides(tmp_path: Path, hidden: str, told: bool, depth: int) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<p>{'<div>' * depth}seen{hidden}", encoding="utf-8")
    document = read(Source(page, page.name, tmp_path, 0.0, lambda *_: None))
    assert ("text that the page hides is left out" in document.facts) == told


def test_what_scripts_fade_in_or_open_is_read() -> None:
    styles = (
        ".tab{display:none} .tab.active{display:block} .fade{opacity:0} .fade.in{opacity:1}"
        ".menu,.nav{display:none} @media(min-width:600px){.nav{display:block}}"
    )
    page = (
        "<h1 style='opacity:0;transform:translateY(9px)'>Hero</h1><p class='tab active'>tab<p class='fade in'>faded"
        "<p class=nav>nav<p class=menu>SECRET<p style='visibility:hidden'>SECRET<i style='visibility:visible'>child</i>"
    )
    assert markdown(f"<style>{styles}</style>{page}")[1] == "# Hero\n\ntab\n\nfaded\n\nnav\n\n*child*"
