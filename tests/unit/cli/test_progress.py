"""What a run looks like while it goes, as rendered text."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest
from rich.console import Console

from cli.lines import Lines, lines_of
from cli.live import LiveView
from cli.progress import progress_view
from tests.snapshots.compare import assert_snapshot

GOOD = {"id": "3f2a9c1b11223344", "task": "What is 12 times 9?", "answer": "108", "reward": 1, "score": 0.831}
BAD = {"id": "aa2a9c1b11223344", "task": "Is [bold]7[/bold] \x1b[2Jodd?", "answer": "", "reward": 0, "score": 0.6}
RUN: list[dict[str, Any]] = [
    {"type": "cases_retrieved", "policy": "cosine-success", "cases": [GOOD, BAD]},
    {"type": "remembered", "note_id": "0c1d2e3f4a5b", "text": "Answer in [bold]metric[/bold] \x1b[2Junits."},
    {"type": "warned", "message": "tool server broken is not there: no command 'nope'"},
    {
        "type": "plan_made",
        "cycle": 1,
        "subtasks": [
            {"id": 1, "description": "Multiply 48 by 37", "depends_on": []},
            {"id": 2, "description": "Count the words of the text that came with the question", "depends_on": []},
            {"id": 3, "description": "Write the report", "depends_on": [1, 2]},
        ],
    },
    {"type": "subtask_started", "id": 1, "description": "Multiply 48 by 37"},
    {"type": "subtask_started", "id": 2, "description": "Count the words"},
    {"type": "tool_called", "subtask": 1, "name": "multiply", "arguments": {"a": 48, "b": 37}},
    {"type": "tool_called", "subtask": 2, "name": "count", "arguments": {"text": "x" * 300}},
    {"type": "tool_returned", "subtask": 1, "name": "multiply", "result": "1776", "ok": True},
    {"type": "tool_returned", "subtask": 2, "name": "count", "result": "too long\nfor me", "ok": False},
    {"type": "model_called", "role": "executor", "model": "openai:o3", "subtask": 1, "input_tokens": 1200,
     "output_tokens": 34, "cost_usd": 0.0021, "seconds": 0.66},
    {"type": "subtask_finished", "id": 1, "status": "done", "result": "1776"},
    {"type": "approval_requested", "subtask": 2, "actions": ["count(text)"]},
    {"type": "approval_answered", "subtask": 2, "decisions": ["reject: too \x1b[2Jdear"]},
    {"type": "model_failed", "role": "planner", "model": "openai:x", "subtask": None, "seconds": 1.0,
     "error": "ModelUnavailableError: gone"},
    {"type": "reflected", "by": "rules", "report": "2 is missing",
     "loops": ["count was called twice with the same arguments"]},
    {"type": "budget_reached", "budget": "tokens", "spent": 1234.0, "limit": 1200.0},
]  # fmt: skip


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def drawn(events: list[dict[str, Any]], *, width: int = 80, encoding: str = "utf-8") -> str:
    """One frame of the live view, without styles."""
    stream = Terminal()
    stream.encoding = encoding
    console = Console(file=stream, width=width, height=50, force_terminal=True, no_color=True, color_system=None)
    view = LiveView(console)
    for event in events:
        view.on_event(event)
    for item in view.view.items.values():  # times are the clock's
        item.started = item.ended = 0.0
    view._over = True
    console.print(view)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 40])
def test_the_live_view_fits_its_terminal(width: int) -> None:
    text = drawn([*RUN, {"type": "subtask_finished", "id": 2, "status": "failed", "result": "no count"}], width=width)
    assert max(map(len, text.splitlines())) <= width
    assert_snapshot(f"progress/live-{width}.txt", text)


def test_what_models_and_tools_say_is_neither_markup_nor_a_command_to_the_terminal() -> None:
    text = drawn(RUN)
    assert "[bold]7[/bold]" in text
    assert "\x1b[2J" not in text


def test_a_terminal_without_unicode_gets_ascii_signs() -> None:
    assert not set("✓✗○→") & set(drawn(RUN, encoding="ascii"))


def test_many_tool_calls_are_shown_as_the_last_few() -> None:
    calls = [{"type": "tool_called", "subtask": 1, "name": "add", "arguments": {"n": n}} for n in range(10)]
    text = drawn([RUN[4], *calls])
    assert "6 earlier tool calls" in text
    assert "add(n=9)" in text and "add(n=5)" not in text


def test_plain_lines() -> None:
    assert_snapshot("progress/lines.txt", "\n".join(line for event in RUN for line in lines_of(cast(Any, event))))


def test_quiet_keeps_warnings_and_tells_each_once() -> None:
    stream = io.StringIO()
    with Lines(stream, only_warnings=True) as view:
        for event in [*RUN, RUN[2]]:
            view.on_event(cast(Any, event))
    assert stream.getvalue() == "memento: warning: tool server broken is not there: no command 'nope'\n"


@pytest.mark.parametrize(
    ("terminal", "name", "quiet", "kind"),
    [
        (True, "xterm", False, LiveView),
        (True, "xterm", True, Lines),
        (True, "dumb", False, Lines),
        (False, "xterm", False, Lines),
    ],
)
def test_the_view_suits_where_stderr_goes(
    terminal: bool, name: str, quiet: bool, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", name)
    monkeypatch.setattr("sys.stderr", Terminal() if terminal else io.StringIO())
    assert isinstance(progress_view(quiet=quiet), kind)
