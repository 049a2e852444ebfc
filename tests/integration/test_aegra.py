"""The same graph on Aegra with PostgreSQL: killed at an interrupt and amid a tool call, restarted, gone on with.

`make test-aegra` runs it; it needs a Python 3.12 and installs Aegra into an environment of its own.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from memory.journal import replay
from tests.fakes.aegra import Aegra
from tests.fakes.langgraph_server import question
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.postgres import Postgres
from tests.fakes.twelve_steps import ANSWER, QUESTION, noted, prepare, rules

PYTHON = os.environ.get("MEMENTO_TEST_AEGRA", "")
GO_ON: Any = {"update": {"subtasks": []}}
"""Aegra takes no run without input, and a run from a checkpoint's id would do what is finished again; this adds
nothing to the state and goes on where the run was."""
APPROVE: Any = {"resume": {"decisions": [{"type": "approve"}]}}

pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="MEMENTO_TEST_AEGRA names no Python that has Aegra; `make test-aegra` does"),
    pytest.mark.timeout(300),
]


def calls(home: Path, name: str) -> list[str]:
    """The keys of the calls of a tool that the MCP server has noted."""
    lines = noted(home).read_text(encoding="utf-8").splitlines() if noted(home).exists() else []
    return [line.split(" ", 2)[2] for line in lines if line.split(" ", 2)[1] == name]


def wait_until(true: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_killed_and_restarted(postgres: Postgres, tmp_path: Path) -> None:
    home = tmp_path / "home"
    prepare(home)
    with OpenAIServer(rules()) as model:
        variables = {
            "DATABASE_URL": postgres.database(),
            "MEMENTO_HOME": str(home),
            "MEMENTO_JUDGE_MODEL": "none",
            "MEMENTO_POLICY": "none",
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "sk-test",
            "HF_HUB_OFFLINE": "1",
        }
        with Aegra(PYTHON, tmp_path, variables) as server:
            finished = run_whole(server)
            waiting = run_to_the_interrupt(server)
            server.kill()
            server.start()
            kept: Any = server.client.threads.get_state(finished)["values"]
            assert kept["answer"] == ANSWER
            assert server.client.threads.get_history(finished)
            state = server.client.threads.get_state(waiting)
            assert state["next"] == ["plan"] and len(state["interrupts"]) == 1
            approved: Any = server.client.runs.wait(waiting, "memento", command=APPROVE)
            assert approved["answer"] == ANSWER
            assert calls(home, "book") == ["seat 7", "seat 7"], "one a run"
            killed = run_killed_amid_a_call(server, home)
            server.start()
            result = server.client.runs.wait(killed, "memento", command=GO_ON)
            assert isinstance(result, dict) and result["answer"] == ANSWER
            assert calls(home, "book") == ["seat 7"] * 3, "one a run"
            values: list[Any] = [
                server.client.threads.get_state(each)["values"] for each in (finished, waiting, killed)
            ]
        assert list(replay(home).entries) == [each["case_id"] for each in values]


def run_whole(server: Aegra) -> str:
    thread = server.client.threads.create()["thread_id"]
    result = server.client.runs.wait(thread, "memento", input=question(QUESTION))
    assert isinstance(result, dict) and result["answer"] == ANSWER
    return thread


def run_to_the_interrupt(server: Aegra) -> str:
    thread = server.client.threads.create()["thread_id"]
    result = server.client.runs.wait(
        thread,
        "memento",
        input=question(QUESTION),
        context={"approval": "plan"},
    )
    assert isinstance(result, dict) and result["__interrupt__"][0]["value"]["action_requests"][0]["name"] == "plan"
    return thread


def run_killed_amid_a_call(server: Aegra, home: Path) -> str:
    """Killed when the tool server has begun to book; it has not answered then."""
    thread = server.client.threads.create()["thread_id"]
    before = len(calls(home, "book"))
    server.client.runs.create(thread, "memento", input=question(QUESTION))
    wait_until(lambda: len(calls(home, "book")) > before)
    server.kill()
    return thread
