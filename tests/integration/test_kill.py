"""`kill -9` in the middle of an executing subtask; `memento resume` goes on from the last checkpoint."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from memory.journal import replay
from tests.conftest import RunMemento, StartMemento
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import ANSWER, QUESTION, rules

SUBTASKS = {"Multiply 48": 1, "Add 1776": 2, "Divide 7 by 0": 3, "Divide 7 by 2": 4}


def executor_requests(server: OpenAIServer) -> list[str]:
    """Which subtask each executor request was about, in order."""
    texts = [each.text.partition("Subtask: ")[2] for each in server.chats if "You carry out" in each.text]
    return [next(name for name in SUBTASKS if text.startswith(name)) for text in texts]


@pytest.mark.parametrize(
    ("slow", "finished"),
    [
        ("^Subtask: Divide 7 by 2", {"Multiply 48", "Add 1776", "Divide 7 by 0"}),
        ("^Subtask: Add 1776.*^tool: 27", {"Multiply 48", "Divide 7 by 0"}),
    ],
    ids=["in the second wave", "beside finished branches"],
)
def test_a_killed_run_is_finished_by_resume(
    slow: str, finished: set[str], home: Path, start_memento: StartMemento, run_memento: RunMemento
) -> None:
    with OpenAIServer(rules(slow, delay=60)) as stuck:
        environment = {"OPENAI_BASE_URL": stuck.url, "OPENAI_API_KEY": "sk-test"}
        process = start_memento("ask", QUESTION, "--thread", "killed", "--quiet", env=environment)
        _wait_for(stuck, finished)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not replay(home).entries
    with OpenAIServer(rules()) as server:
        environment["OPENAI_BASE_URL"] = server.url
        resumed = run_memento("resume", "killed", "--json", env=environment)
    assert resumed.returncode == 0, resumed.stderr
    result = json.loads(resumed.stdout)
    assert (result["status"], result["answer"]) == ("answered", ANSWER)
    assert [(each["id"], each["status"]) for each in result["subtasks"]] == [
        (1, "done"), (2, "done"), (3, "failed"), (4, "done"),
    ]  # fmt: skip
    assert not finished & set(executor_requests(server)), "a finished subtask ran again"
    assert list(replay(home).entries) == [result["case_id"]]


def _wait_for(server: OpenAIServer, finished: set[str]) -> None:
    """Until every other branch has got its last reply and one request hangs; then time for the checkpoint."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        asked = executor_requests(server)
        slow_one = [name for name in asked if name not in finished]
        if all(asked.count(name) == 2 for name in finished) and slow_one:
            time.sleep(1.5)
            return
        time.sleep(0.05)
    raise AssertionError(f"the run did not get that far: {executor_requests(server)}")
