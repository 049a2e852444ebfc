"""HTML pages as markdown: what is shown of them, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools.web.html_page import decoded, read, read_text
from tools.web.style_rules import StyleRules

URL = "http://site.example/folder/page.html"


def text_of(body: str, head: str = "") -> str:
    markdown: str = read_text(f"<html><head>{head}</head><body>{body}</body></html>", URL)["markdown"]
    return markdown


@pytest.mark.parametrize(
    ("body", "markdown"),
    [
        ("<h2>Title</h2><p>One\n  two <b>three</b></p>", "## Title\n\nOne two **three**"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<p><a href='other.html#x' title='t'>link</a></p>", "[link](http://site.example/folder/other.html#x)"),
        ("<p><a href='#here'>here</a> <a href='javascript:steal()'>run</a></p>", "here run"),
        ("<p>a<img src='/p.png' alt='A cat'> <img src='x.png'></p>", "a![A cat](http://site.example/p.png)"),
        ("<pre><code class='language-py'>def f():\n    return 1\n</code></pre>", "```py\ndef f():\n    return 1\n```"),
        ("<p>snake_case * 2 < 3</p>", "snake_case * 2 < 3"),
        ("<p>a&#x1b;[31m&#0;b<i hidden>x</i>&#1;c&#xfffe;</p>", "a[31m\ufffdbc"),
        (
            "<table><tr><th>Year</th><th>Sum</th></tr><tr><td>2020</td><td>1,5</td></tr></table>",
            "| Year | Sum |\n| --- | --- |\n| 2020 | 1,5 |",
        ),
        (
            "<table><tr><th rowspan=2>Area<th>Year<td>2020</tr><tr><th>km²<td>1234</tr></table>",
            "| Area | Year | 2020 |\n| --- | --- | --- |\n|  | km² | 1234 |",
        ),
        (
            "<table><tr><td>A<td>B<td>C<tr><td>1<td rowspan=3>x<td rowspan=2>y<tr><td>2<tr><td>3<td>z</table>",
            "| A | B | C |\n| --- | --- | --- |\n| 1 | x | y |\n| 2 |  |  |\n| 3 |  | z |",
        ),
    ],
)  # fmt: skip
def test_what_is_written(body: str, markdown: str) -> None:
    assert text_of(body) == markdown


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("3.7 x 10<sup>13</sup> cells, 10<sup><i>\u22126</i></sup> m<sup>2</sup>", "3.7 x 10^13 cells, 10^-6 m^2"),
        (
            "e<sup>x + 1</sup>, 2<sup>2a</sup>, Ca<sup>2+</sup>, 2<sup>y<sup>2</sup></sup>",
            "e^(x + 1), 2^(2a), Ca^(2+), 2^(y^2)",
        ),
        ("1<sup>st</sup> XIX<sup>e</sup> x<sup>e</sup> m<sup>®</sup> said<sup>[2]</sup>", "1st XIXe x^e m® said[2]"),
        ("H<sub>2</sub>O, x<sub>i</sub>, <b>a</b><sub>1</sub>, 10<sub>2</sub>", "H2O, x_i, **a**1, 10_2"),
        ("<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math> of it", "a/b of it"),
        (
            "<math><mi>x</mi><mo>=</mo><mfrac><mrow><mo>\u2212</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn>"
            "</msup><mo>\u2212</mo><mn>4</mn><mi>a</mi><mi>c</mi></msqrt></mrow><mrow><mn>2</mn><mo>&#x2062;</mo>"
            "<mi>a</mi></mrow></mfrac></math>",
            "x = (-b ± √(b^2 - 4ac))/(2a)",
        ),
        (
            "<math><munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><msub><mi>a"
            "</mi><mi>i</mi></msub><mi>sin</mi><mo>&#x2061;</mo><mroot><mi>x</mi><mn>3</mn></mroot></math>",
            "∑_(i = 1)^n a_isin (x)^(1/3)",
        ),
        (
            "<math><mtable><mtr><mtd><mn>1</mn></mtd><mtd>2</mtd></mtr><mtr><mtd>3</mtd><mtd>4</mtd></mtr></mtable></math>",
            "[1, 2; 3, 4]",
        ),
        (
            "<span class=katex><span class=katex-mathml><math><msup><mi>x</mi><mn>2</mn></msup></math></span>"
            "<span class=katex-html><span>x</span><span>2</span></span></span>",
            "x^2",
        ),
    ],
)
def test_small_letters_and_formulas_are_written_out(body: str, written: str) -> None:
    assert text_of(f"<p>{body}</p>") == written


def test_formulas_and_tables_without_end_are_bounded() -> None:
    assert "x" in text_of(f"<math>{'<msup>' * 150}<mi>x</mi>{'</msup>' * 150}</math>")
    wide = "<td rowspan=100 colspan=100>x" * 30
    assert len(text_of(f"<table><tr>{wide}{'<tr><td>y' * 100}</table>")) < 200_000


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>SECRET</script>",
        "<style>SECRET</style>",
        "<!-- SECRET -->",
        "<template><p>SECRET</p></template>",
        "<noscript>SECRET</noscript>",
        "<p hidden>SECRET</p>",
        "<p style='display:none'>SECRET</p>",
        "<p style='color: red; DISPLAY : None !important'>SECRET</p>",
        "<p style='visibility:hidden'>SECRET</p>",
        "<p style='visibility:hidden'>SECRET<b>SECRET</b></p>",
        "<p style='/* x */display:none; display:nonsense'>SECRET</p>",
        "<p class='flex ghost'>SECRET</p>",
        "<p style='font-size:0px'>SECRET</p>",
        "<p style='position:absolute; left:-9999px'>SECRET</p>",
        "<div style='text-indent: -10000px'>SECRET</div>",
        "<p class='a ghost b'>SECRET</p>",
        "<p id='away'>SECRET</p>",
        "<p data-memento-hidden>SECRET</p>",
        "<iframe srcdoc='SECRET'>SECRET</iframe>",
        "<img src='x.png' title='SECRET'>",
        "<a href='x.html' title='SECRET'>x</a>",
        "<svg><text>SECRET</text></svg>",
        "<input type='hidden' value='SECRET'>",
        "<math><semantics><mi></mi><annotation encoding='application/x-tex'>SECRET</annotation></semantics></math>",
        "<math><mphantom><mtext>SECRET</mtext></mphantom></math>",
    ],
)
def test_what_no_one_sees_is_not_read(hidden: str) -> None:
    styles = "<style>.flex{display:flex} .ghost, td.x { display : none } #away{font-size:0}</style>"
    text = text_of(f"<p>before</p>{hidden}<p>after</p>", styles)
    assert "SECRET" not in text
    assert text.startswith("before")
    assert text.endswith("after")


def test_text_beside_what_is_hidden_stays() -> None:
    assert text_of("<p>one <!-- x -->two <i hidden>x</i>three <script>x</script>four</p>") == "one two three four"


@pytest.mark.parametrize(
    "style", ["opacity:0.5", "font-size:0.9em", "left:-10px", "visibility:visible", "text-indent:-2em", "opacity:0"]
)
def test_what_is_seen_stays(style: str) -> None:
    assert text_of(f"<p style='{style}'>seen</p>") == "seen"


def test_a_rule_for_some_screens_or_states_hides_nothing() -> None:
    styles = "<style>@media print { .a { display: none } } .menu .a { display: none } .a:hover { opacity: 0 }</style>"
    assert text_of("<p class='a'>seen</p>", styles) == "seen"


@pytest.mark.parametrize(
    ("styles", "given"),
    [
        (".tab{display:none} .tab.active{display:block}", "class='tab active'"),
        (".box{visibility:hidden} .open>.box{visibility:visible}", "class=box"),
        (".menu,.nav{display:none} @media(min-width:600px){.nav{display:block}}", "class=nav"),
        (".none{display:none!important} @media(min-width:600px){.md{display:block!important}}", "class='none md'"),
        (".hide{display:none}", "class=hide style='display:block'"),
        (".hide{display:none} #it{display:block}", "class=hide id=it"),
        ("@supports(display:grid){.a{display:none}}", "class=a"),
    ],
)
def test_what_another_rule_shows_is_not_hidden(styles: str, given: str) -> None:
    assert text_of(f"<p {given}>seen</p>", f"<style>{styles}</style>") == "seen"


@pytest.mark.parametrize(
    ("styles", "given"),
    [
        (".x{display:none!important} .x.y{display:block}", "class=x"),
        (".x{display:none!important}", "class=x style='display:block'"),
        (".x{display:none} .x .y{display:block}", "class=x"),
        (".x{display:none} .a:not(.x){display:block}", "class=x"),
    ],
)
def test_what_no_other_rule_shows_is_hidden(styles: str, given: str) -> None:
    assert text_of(f"seen<p {given}>SECRET</p>", f"<style>{styles}</style>") == "seen"


def test_what_is_visible_in_something_invisible_stays() -> None:
    inside = "x<i>x</i>x<b style='visibility:visible'>seen <i>too</i></b>x<img src=x.png alt=x>"
    assert text_of(f"<p>one <span style='visibility:hidden'>{inside}</span> two</p>") == "one **seen *too*** two"


@pytest.mark.parametrize("sheet", ["@" * 200_000, "/*" * 100_000, "@a{" * 60_000, "." * 200_000, ".a," * 60_000 + "{"])
def test_style_sheets_without_sense_are_read_in_linear_time(sheet: str) -> None:
    started = time.process_time()
    StyleRules.of(f"{sheet}display:none}}")
    assert time.process_time() - started < 5


def test_invisible_characters_and_terminal_escapes_go() -> None:
    tags = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert text_of(f"<p>a\u200bb\u202ec{tags}\x1b[31md</p>") == "abc[31md"


def test_navigation_goes_and_the_content_stays() -> None:
    links = "<ul>" + "".join(f"<li><a href='{n}.html'>Chapter {n}</a></li>" for n in range(9)) + "</ul>"
    body = "<p>" + "The content. " * 40 + "</p>"
    around = f"<nav>{links}</nav><div class='sidebar'>{links}</div>"
    footnote = "<aside>A footnote.</aside>"
    assert "Chapter" not in text_of(f"{around}<div>{body}{footnote}</div><footer>About us</footer>")
    assert text_of(f"{around}<main><h1>M</h1>{body}{footnote}</main><p>Beside.</p>").endswith("A footnote.")


def test_a_page_that_is_only_links_is_read() -> None:
    links = "".join(f"<li><a href='{n}.html'>Chapter {n}</a></li>" for n in range(9))
    assert text_of(f"<div class='menu'><ul>{links}</ul></div>").count("Chapter") == 9


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("Grüße".encode(), None, "Grüße"),
        ("Grüße".encode("latin-1"), None, "Grüße"),
        ("Grüße".encode("latin-1"), "iso-8859-1", "Grüße"),
        ("<meta charset=koi8-r>Привет".encode("koi8-r"), None, "<meta charset=koi8-r>Привет"),
        ("日本".encode("shift-jis"), "Shift_JIS", "日本"),
        ("Grüße".encode("utf-16"), "utf-8", "Grüße"),
        (b"\xef\xbb\xbfabc", "latin-1", "abc"),
        ("Grüße".encode(), "no-such-charset", "Grüße"),
        (b"abc", "base64", "abc"),
        ("Grü".encode()[:-1], None, "Gr\ufffd"),
    ],
)
def test_encodings(data: bytes, charset: str | None, text: str) -> None:
    assert decoded(data, charset) == text


@pytest.mark.parametrize("data", [b"", b"   ", b"\x00\x01", b"<", b"<html>", b"<html><body></body></html>"])
def test_next_to_nothing_is_an_empty_page(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(data)
    told = read({"page": tmp_path / "page"}, tmp_path, URL)
    assert len(told["markdown"]) <= 1
    assert not told["cut"]


def test_deep_nesting_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"<div>" * 50_000 + b"bottom" + b"</div>" * 50_000)
    assert len(read({"page": tmp_path / "page"}, tmp_path, URL)["markdown"]) <= len("bottom")


def test_a_very_long_page_is_cut_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"<pre>" + b"x " * 2_500_000)
    told = read({"page": tmp_path / "page"}, tmp_path, URL)
    assert told["cut"]
    assert len(told["markdown"]) < 4_100_000


@pytest.mark.parametrize(
    ("body", "scripted"),
    [
        ("<div id=root></div><script src=app.js></script>", True),
        ("<div id=root></div>", False),
        ("<p>Hello</p><script type='application/ld+json'>{}</script>", False),
        ("<p>{{ total | money }} of them</p>" + "<p>Words. </p>" * 99 + "<script src=a.js></script>", True),
        ("<p>Please activate JavaScript to search.</p>" + "<p>Some words. </p>" * 40 + "<script>x</script>", True),
        ("<noscript>You must enable JavaScript</noscript>" + "<p>Some words. </p>" * 400 + "<script></script>", False),
        ("<main id=app></main><footer>" + "Imprint. " * 60 + "</footer><script type=module src=a.js></script>", True),
        ("<p>" + "An article with a counter. " * 30 + "</p><script src=count.js></script>", False),
    ],
)  # fmt: skip
def test_which_pages_need_a_browser(body: str, scripted: bool) -> None:
    assert read_text(f"<body>{body}</body>", URL)["scripted"] is scripted
