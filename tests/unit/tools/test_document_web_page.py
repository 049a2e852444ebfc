"""HTML files, and what mails, books and notebooks hold of it, as markdown."""

from __future__ import annotations

import pytest

from tools.documents.web_page import markdown


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
