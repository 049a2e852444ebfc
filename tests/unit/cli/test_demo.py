"""The demo command around a demo that is over at once."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cli.__main__ import run
from cli.demo import DemoProgress
from configs.settings import Settings

SUMMARY = {
    "none": {"tasks": 10, "accuracy": 0.0},
    "memory": {"tasks": 10, "accuracy": 0.8, "last_third": 1.0},
    "seconds": 1.5,
    "report": "report.html",
    "picture": "curve.png",
}


class Summary:
    def as_json(self) -> dict[str, Any]:
        return SUMMARY


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Puts a stand-in for `evaluation.demo` in place and tells what it was called with."""
    seen: dict[str, Any] = {}

    async def run_demo(
        out: Path,
        settings: Settings,
        *,
        quick: bool,
        tell: Callable[[str], None],
        step: Callable[[str, int, int], None],
    ) -> Summary:
        seen.update(out=out, planner=settings.planner_model, quick=quick)
        for done in range(1, 21):
            step("without memory", done, 20)
        tell("before: \x1b[2Jwrong, after: [bold]right[/bold]")
        return Summary()

    module = ModuleType("evaluation.demo")
    vars(module)["run_demo"] = run_demo
    monkeypatch.setitem(sys.modules, "evaluation.demo", module)
    return seen


def test_json_is_the_summary_alone_and_progress_goes_to_stderr(
    given: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--json", "--out", "there"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == SUMMARY
    lines = captured.err.splitlines()
    assert lines[0] == "without memory: 2 of 20" and lines[9] == "without memory: 20 of 20"
    assert lines[10] == "before: wrong, after: [bold]right[/bold]"
    assert given == {"out": Path("there"), "planner": "local:smollm2-135m", "quick": False}


def test_another_configuration_may_be_asked_for(given: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config", "default", "demo", "--quick"]) == 0
    assert given["planner"] == "openai:gpt-4.1" and given["quick"]
    assert capsys.readouterr().out == "picture: curve.png\nreport: report.html\n"


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with DemoProgress(stream) as progress:
        progress.step("with memory", 3, 10)
        progress.tell("a task")
    assert "with memory" in stream.getvalue() and "3/10" in stream.getvalue() and "a task" in stream.getvalue()
