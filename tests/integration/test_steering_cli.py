"""Approvals on the command line: by options where no terminal is, and at a real terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.journal import replay
from tests.conftest import ROOT, RunMemento, StartMemento
from tests.fakes.mcp_servers.running import gone_within, raw, started_child
from tests.fakes.one_call import PLAN, rules
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.terminal import terminal

SETTINGS = ("--set", "judge_model=none", "--set", "approval=plan,tools")


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(rules()) as running:
        yield running


def endpoint(server: OpenAIServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test"}


def test_without_a_terminal_options_answer(server: OpenAIServer, run_memento: RunMemento, home: Path) -> None:
    asked = run_memento("ask", "What?", "--thread", "t1", "--json", "--quiet", *SETTINGS, env=endpoint(server))
    assert asked.returncode == 130
    result = json.loads(asked.stdout)
    (waiting,) = result["interrupts"]
    assert (result["status"], waiting["value"]["action_requests"][0]["name"]) == ("interrupted", "plan")
    assert "waits for approval: plan(" in asked.stderr
    assert "memento resume t1" in asked.stderr and "--reject REASON" in asked.stderr

    unsound = json.dumps([{"id": 1, "description": "a", "depends_on": [4]}])
    refused = run_memento("resume", "t1", "--edit", unsound, "--quiet", env=endpoint(server))
    assert refused.returncode == 130
    assert "the answer was not used: task 1 depends on 4" in refused.stderr.lower()

    approved = run_memento("resume", "t1", "--approve", env=endpoint(server))
    assert approved.returncode == 130
    assert "waits for approval: multiply(a=48, b=37)" in approved.stderr
    refused = run_memento("resume", "t1", "--reject", "too dear", "--json", env=endpoint(server))
    assert refused.returncode == 0, refused.stderr
    assert json.loads(refused.stdout)["answer"] == "nothing"
    assert "[1] a person said: reject: too dear" in refused.stderr
    assert len(replay(home).entries) == 1

    late = run_memento("resume", "t1", "--approve", env=endpoint(server))
    assert late.returncode == 2
    assert "the run is finished; see it with: memento runs show t1" in late.stderr
    traced = run_memento("runs", "show", "t1", "--events", "--json")
    lines = run_memento("runs", "show", "t1", "--events").stdout.splitlines()
    assert json.loads(traced.stdout) == {"events": [json.loads(line) for line in lines]}


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_at_a_terminal_each_question_is_asked_and_a_kill_loses_none(server: OpenAIServer, home: Path) -> None:
    environment = {**os.environ, **endpoint(server), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    ask = [sys.executable, "-m", "cli", "ask", "What?", "--thread", "t2", *SETTINGS]
    with terminal(ask, environment) as first:
        screen = first.wait_for("[a]pprove, [e]dit or [r]eject?")
        assert f"1 {PLAN}" in screen
        first.type("perhaps")
        first.wait_for("[a]pprove, [e]dit or [r]eject?", times=2)
        first.type("a")
        screen = first.wait_for("[a]pprove, [e]dit or [r]eject?", times=3)
        assert "Subtask 1 calls multiply." in screen and "a: 48" in screen
        (program,) = _children(first.process())
        os.kill(program, signal.SIGKILL)
        first.wait_for("exit code 137")
    requests = len(server.chats)
    with terminal([sys.executable, "-m", "cli", "resume", "t2"], environment) as second:
        second.wait_for("[a]pprove, [e]dit or [r]eject?")
        assert len(server.chats) == requests, "the question itself was kept, no model was asked for it again"
        second.type("e")
        second.wait_for("the arguments, as JSON:")
        second.type("{a: 1}")
        second.wait_for("that is not JSON")
        second.type("e")
        second.wait_for("the arguments, as JSON:", times=2)
        second.type('{"a": 10, "b": 10}')
        screen = second.wait_for("exit code 0")
    assert "multiply(a=10, b=10)" in screen
    (entry,) = replay(home).entries.values()
    assert (entry.case.answer, entry.case.plan[0].calls[0].arguments) == ("100", {"a": 10, "b": 10})


@pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")
def test_ctrl_c_at_a_question_keeps_it(server: OpenAIServer) -> None:
    environment = {**os.environ, **endpoint(server), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    ask = [sys.executable, "-m", "cli", "ask", "What?", "--thread", "t3", *SETTINGS]
    with terminal(ask, environment) as window:
        window.wait_for("[a]pprove, [e]dit or [r]eject?")
        window.press("C-c")
        screen = window.wait_for("exit code 130")
    assert "waits for approval: plan(" in screen


def _children(process: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_ctrl_c_stops_the_tool_call_and_its_processes(
    server: OpenAIServer, home: Path, start_memento: StartMemento
) -> None:
    home.mkdir(parents=True)
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {"raw": raw()}}))
    process = start_memento("ask", "Please wait for it.", "--quiet", env=endpoint(server))
    child = started_child(home / "logs" / "mcp-raw.log")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=15)
    assert (process.returncode, "memento resume" in told) == (130, True)
    assert gone_within(child, 2)


def test_a_mistyped_approval_starts_nothing(server: OpenAIServer, run_memento: RunMemento) -> None:
    refused = run_memento("ask", "What?", "--thread", "t4", "--set", "approval=foo", env=endpoint(server))
    assert refused.returncode == 2
    assert "approval: there is no tool 'foo'; the tools are: " in refused.stderr
    assert "resume" not in refused.stderr and not server.chats
    assert run_memento("runs", "show", "t4").returncode == 2, "there is no such run"
