"""What an executor's last words mean, and what is left of a subtask that was stopped."""

from __future__ import annotations

import pytest

from nodes.outcomes import call_line, read_result, unfinished
from tests.fakes.results import call


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1776", ("done", "1776", "")),
        ("The test failed: see log", ("done", "The test failed: see log", "")),
        ("Partial sums: 1, 3, 6", ("done", "Partial sums: 1, 3, 6", "")),
        ("FAILED: no such page", ("failed", "", "no such page")),
        ("failed: no such page", ("failed", "", "no such page")),
        ("**FAILED:** no such page", ("failed", "", "no such page")),
        ("FAILED:", ("failed", "", "the executor gave up without a reason")),
        ("PARTIAL: 12 entries; missing: the year 2003", ("partial", "12 entries", "missing: the year 2003")),
        ("PARTIAL: 12 entries.\nMissing: the year 2003", ("partial", "12 entries", "missing: the year 2003")),
        ("Partial: a missing: b; missing: c", ("partial", "a missing: b", "missing: c")),
        ("PARTIAL: 12 (missing: 2003)", ("partial", "12", "missing: 2003")),
        ("PARTIAL: 12 entries", ("partial", "12 entries", "missing: something; the executor did not say what")),
        ("PARTIAL: missing: all of it", ("failed", "", "missing: all of it")),
        ("PARTIAL:", ("failed", "", "the executor gave up without a reason")),
    ],
)
def test_the_executors_own_verdict(text: str, expected: tuple[str, str, str]) -> None:
    assert read_result(text) == expected


def test_a_stopped_subtask_keeps_what_its_tools_found() -> None:
    calls = [
        call("find_tools", "These can be called"),
        call("add", "3", a=1, b=2),
        call("add", "3", a=1, b=2),
        call("read", "not found", ok=False),
        call("read", "  "),
        call("now", "noon"),
    ]
    assert unfinished(calls, "time is up") == ("partial", 'add {"a": 1, "b": 2} -> 3\nnow {} -> noon', "time is up")
    assert unfinished(calls[:1], "time is up") == ("failed", "", "time is up")
    assert unfinished([], "time is up") == ("failed", "", "time is up")


def test_what_is_kept_is_bounded() -> None:
    calls = [call("read", f"{number} " * 10_000, text="x" * 10_000, page=number) for number in range(100)]
    kept = unfinished(calls, "r")
    assert len(kept.result) < 5000
    assert '"page": 99' in kept.result
    assert "\n" not in call_line(call("a", "1\n2"))
