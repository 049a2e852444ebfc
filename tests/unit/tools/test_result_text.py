"""Results as text: what a model may see of them."""

from __future__ import annotations

import pytest
from mcp.types import CallToolResult, ImageContent, TextContent

from tools.code.told import told
from tools.result_text import EMPTY, MAX_CHARS, clean, error_text, result_text, size_text
from tools.sandbox.contract import Execution


def text_result(*texts: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text) for text in texts])


def test_parts_are_joined_and_an_empty_result_says_so() -> None:
    assert result_text(text_result("one", "two")) == "one\ntwo"
    assert result_text(text_result("  ")) == EMPTY
    assert result_text(CallToolResult(content=[])) == EMPTY


def test_the_head_of_a_table_stays_above_its_columns() -> None:
    table = "    a  b\n0  1  2"
    assert result_text(text_result(f" \n\n{table}\n")) == table
    assert told(Execution("done", "", table), {}) == f"=>\n{table}"
    assert told(Execution("done", table, "42"), {}) == f"{table}\n=> 42"


def test_structured_content_shows_only_where_there_is_no_text() -> None:
    structured = {"a": [1, "ü"]}
    assert result_text(CallToolResult(content=[], structuredContent=structured)) == '{"a":[1,"ü"]}'
    both = text_result("said").model_copy(update={"structuredContent": structured})
    assert result_text(both) == "said"


def test_pictures_are_named_and_never_shown() -> None:
    picture = ImageContent(type="image", data="A" * 16_000, mimeType="image/png")
    assert result_text(CallToolResult(content=[picture])) == "[image/png, 12 kB]"
    assert clean(f"see data:image/jpeg;base64,{'QUJD' * 4000} there") == "see [image/jpeg, 12 kB] there"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b\x07c\x7f", "abc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07x", "red x"),
        ("tab\tand\r\nline", "tab\tand\nline"),
        ("ab\u202ecd\u200b\ufeff", "abcd"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("half \ud800 pair", "half  pair"),
        ("👩\u200d🚀 grüße", "👩\u200d🚀 grüße"),
    ],
)
def test_control_and_invisible_characters_go(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_result_is_bounded() -> None:
    shown = result_text(text_result("z" * (MAX_CHARS + 1)))
    assert shown == "z" * MAX_CHARS + f"\n[cut here; {MAX_CHARS + 1} characters in all]"


@pytest.mark.parametrize(("octets", "shown"), [(0, "0 B"), (999, "999 B"), (12_000, "12 kB"), (3_400_000, "3.4 MB")])
def test_sizes(octets: int, shown: str) -> None:
    assert size_text(octets) == shown


def test_an_error_reads_without_its_wrapping() -> None:
    assert error_text(text_result("Error executing tool divide: division by zero")) == "division by zero"
    wrapped = (
        "Error executing tool add: 2 validation errors for addArguments\n"
        "a\n  Field required [type=missing, input_value={'b': 'x'}, input_type=dict]\n"
        "    For further information visit https://errors.pydantic.dev/2.12/v/missing\n"
        "b\n  Value error, 'x' is not a number [type=value_error, input_value='x', input_type=str]\n"
        "    For further information visit https://errors.pydantic.dev/2.12/v/value_error"
    )
    assert error_text(text_result(wrapped)) == "a: Field required; b: 'x' is not a number"
