"""Nothing that a model or tool says can drive the terminal."""

from __future__ import annotations

import json
import time

import pytest

from cli.printable import call_text, clean, escaped_json, json_text, one_line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain ünïcode 日本 🎉", "plain ünïcode 日本 🎉"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x9b31mred", "red"),
        ("a\x1b]0;new title\x07b", "ab"),
        ("a\x1b]52;c;c2VjcmV0\x1b\\b", "ab"),
        ("a\x1bPdevice\x1b\\b", "ab"),
        ("cursor\x1b[2J\x1b[Hhome", "cursorhome"),
        ("\x1b]unterminated", "unterminated"),
        ("bell\x07 back\x08 nul\x00 del\x7f", "bell back nul del"),
        ("over\rwritten\r\nline", "over\nwritten\nline"),
        ("abc\u202etxt.exe\u2066", "abctxt.exe"),
        ("half\ud800", "half"),
        ("\x1b\x1b[31m[31mnested", "[31mnested"),
    ],
)
def test_clean_keeps_text_and_drops_what_drives_a_terminal(given: str, shown: str) -> None:
    assert clean(given) == shown
    assert "\x1b" not in clean(given)


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1b]0;x", "\x1bP"])
def test_clean_takes_time_in_proportion_to_the_text(piece: str) -> None:
    started = time.perf_counter()
    clean(piece * 300_000)
    assert time.perf_counter() - started < 5


def test_one_line_collapses_white_space_and_shortens() -> None:
    assert one_line(" a\n\n b\tc ") == "a b c"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"
    assert one_line("\n" * 5000 + "late", 10).endswith("…")


def test_call_text_reads_like_a_call_and_shortens_long_arguments() -> None:
    assert call_text("multiply", {"a": 48, "b": 37}) == "multiply(a=48, b=37)"
    assert call_text("count", {"text": "x" * 500, "case": True}) == f'count(text="{"x" * 58}…, case=true)'
    assert len(call_text("f", {f"k{n}": "y" * 50 for n in range(20)})) <= 101


def test_json_text_escapes_what_a_terminal_acts_on_and_means_the_same() -> None:
    value = {"answer": "a\x1b[31m\x9b31m\u202e\ud800é", "n": [1, 2.5]}
    text = json_text(value)
    assert not set("\x1b\x9b\u202e\ud800") & set(text)
    assert "é" in text
    assert json.loads(text) == value


def test_json_text_can_be_ascii_and_has_no_nan() -> None:
    assert json_text({"é": float("nan")}, ascii_only=True) == '{\n  "\\u00e9": null\n}'


def test_escaped_json_is_the_same_document() -> None:
    line = json.dumps({"task": "right\u202eleft\x9b"}, ensure_ascii=False)
    assert json.loads(escaped_json(line)) == json.loads(line)
    assert "\u202e" not in escaped_json(line)
