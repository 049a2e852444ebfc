"""The program as a person or a script runs it: real processes, real signals, a loopback model endpoint."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.printable import clean
from memory.journal import replay
from tests.conftest import ROOT, RunMemento, StartMemento
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import ANSWER, QUESTION, rules

KEY = "sk-canary-0123456789"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(rules()) as running:
        yield running


def endpoint(server: OpenAIServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY}


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def asked_to_divide(server: OpenAIServer) -> bool:
    return any("Subtask: Divide 7 by 2" in each.text for each in server.chats)


def one_object(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)  # fails on anything beside one JSON document
    return value


def test_a_task_leaves_a_case_and_a_run(server: OpenAIServer, home: Path, run_memento: RunMemento) -> None:
    asked = run_memento("ask", QUESTION, "--expected", ANSWER, "--json", env=endpoint(server))
    assert asked.returncode == 0, asked.stderr
    result = one_object(asked.stdout)
    assert (result["status"], result["answer"], result["reward"]) == ("answered", ANSWER, 1)
    assert KEY not in asked.stdout + asked.stderr
    for line in ("plan: round 1", "[1] multiply(a=48, b=37)", "[1] multiply -> 1776", "[3] failed: "):
        assert line in asked.stderr

    listed = one_object(run_memento("runs", "list", "--json").stdout)["runs"]
    assert [(each["thread_id"], each["status"]) for each in listed] == [(result["thread_id"], "answered")]
    shown = run_memento("runs", "show", result["thread_id"][:4])
    assert "multiply(a=48, b=37) → 1776" in shown.stdout and ANSWER in shown.stdout
    assert one_object(run_memento("runs", "show", result["thread_id"], "--json").stdout)["question"] == QUESTION

    case_id = result["case_id"]
    assert case_id in run_memento("cases", "list").stdout
    judged = run_memento("feedback", case_id[:6], "incorrect", "--note", "wrong unit", "--json")
    assert one_object(judged.stdout) == {"case_id": case_id, "reward": 0, "reward_source": "person"}
    judged = run_memento("feedback", case_id, "correct", "--source", "verifier", "--json")
    assert one_object(judged.stdout) == {"case_id": case_id, "reward": 1, "reward_source": "verifier"}
    found = one_object(run_memento("cases", "search", "48 times 37", "--json").stdout)["cases"]
    assert [each["id"] for each in found] == [case_id]


def test_without_json_stdout_holds_the_answer_alone(server: OpenAIServer, run_memento: RunMemento) -> None:
    asked = run_memento("ask", "-", "--quiet", env=endpoint(server), stdin=QUESTION)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, f"{ANSWER}\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_kept_and_resumed(
    number: signal.Signals, start_memento: StartMemento, run_memento: RunMemento, home: Path
) -> None:
    with OpenAIServer(rules("^Subtask: Divide 7 by 2", delay=60)) as slow:
        process = start_memento("ask", QUESTION, "--json", "--quiet", env=endpoint(slow))
        until(lambda: asked_to_divide(slow))
        time.sleep(0.5)
        started = time.monotonic()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
        assert time.monotonic() - started < 10
    assert process.returncode == 130
    result = one_object(stdout)
    assert result["status"] == "interrupted" and result["error"] is None
    assert stderr == f"memento: interrupted; the run is kept, go on with: memento resume {result['thread_id']}\n"
    assert {each["id"] for each in result["subtasks"]} == {1, 2, 3}
    assert not replay(home).entries

    with OpenAIServer(rules()) as server:
        resumed = run_memento("resume", result["thread_id"][:5], "--json", env=endpoint(server))
        assert not any("Subtask: Multiply" in each.text for each in server.chats), "a finished subtask ran again"
    assert resumed.returncode == 0, resumed.stderr
    assert one_object(resumed.stdout)["answer"] == ANSWER
    assert list(replay(home).entries) == [one_object(resumed.stdout)["case_id"]]


def test_the_second_ctrl_c_ends_at_once(start_memento: StartMemento) -> None:
    with OpenAIServer(rules("", delay=60)) as server:
        process = start_memento("ask", QUESTION, "--json", "--quiet", env=endpoint(server))
        until(lambda: bool(server.chats) or process.poll() is not None)
        process.send_signal(signal.SIGSTOP)  # so that the first one cannot be dealt with before the second
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert one_object(stdout)["status"] in ("interrupted", "answered")


def test_import_export_archive_restore_delete(run_memento: RunMemento, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    row = {"question": "What is 2 + 2?", "plan": '{"plan": [{"id": 1, "description": "Add."}]}', "reward": 1}
    path.write_text("\n".join([json.dumps(row), "no JSON", json.dumps(row), json.dumps({**row, "question": "And 3?"})]))
    report = run_memento("cases", "import", str(path), "--json")
    assert report.returncode == 0
    told = one_object(report.stdout)
    assert (told["new"], told["duplicates"], [each["line"] for each in told["bad"]]) == (2, 1, [2])
    assert "line 2: not a JSON object" in report.stderr

    ids = list(replay(home).entries)
    assert run_memento("cases", "archive", ids[0][:6]).returncode == 0
    assert replay(home).entries[ids[0]].archived
    assert one_object(run_memento("cases", "search", "2 + 2", "--json").stdout)["cases"][0]["id"] == ids[1]
    assert one_object(run_memento("cases", "restore", *ids, "--json").stdout) == {"restored": ids}
    exported = run_memento("cases", "export").stdout
    assert run_memento("cases", "delete", ids[0], "--yes").returncode == 0
    assert list(replay(home).entries) == ids[1:]

    path.write_text(exported)
    other = {"MEMENTO_HOME": str(tmp_path / "other")}
    assert run_memento("cases", "import", str(path), env=other).stdout == "2 new cases, 0 bad lines\n"
    assert run_memento("cases", "export", env=other).stdout == exported
    path.write_text("[]\n{}\n")
    none = run_memento("cases", "import", str(path), env=other)
    assert none.returncode == 2 and "no case in it" in none.stderr


def test_a_chat_keeps_the_conversation_and_takes_feedback(
    server: OpenAIServer, run_memento: RunMemento, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("the note says 42")
    typed = f"/good\n/nonsense\n/file {tmp_path / 'note.txt'}\n{QUESTION}\n/bad\n{QUESTION}\n/exit\n{QUESTION}\n"
    chat = run_memento("chat", "--thread", "talk", env=endpoint(server), stdin=typed)
    assert (chat.returncode, chat.stdout) == (0, f"{ANSWER}\n{ANSWER}\n"), chat.stderr
    assert "no answer to judge yet" in chat.stderr and "unknown command /nonsense" in chat.stderr
    first, second = (entry.case for entry in replay(home).entries.values())
    assert (first.reward, first.reward_source) == (0, "person") and second.reward_source == "judge"
    planning = [each.text for each in server.chats if "You plan" in each.text]
    assert "the note says 42" in planning[0] and "the note says 42" not in planning[-1]
    assert len(one_object(run_memento("runs", "list", "--json").stdout)["runs"]) == 1


def test_a_chat_goes_on_after_a_failure(server: OpenAIServer, run_memento: RunMemento) -> None:
    typed = f"/file nowhere.txt\n{'x' * 100_001}\n{QUESTION}"
    chat = run_memento("chat", env=endpoint(server), stdin=typed)
    assert chat.stdout == f"{ANSWER}\n", chat.stderr
    assert chat.returncode == 2 and "nowhere.txt" in chat.stderr and "100001 characters" in chat.stderr


def test_a_pipe_that_closes_early_is_no_error(run_memento: RunMemento, home: Path) -> None:
    command = f"{sys.executable} -m cli cases list --help | true; echo ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_the_doctor_says_whether_a_question_can_be_answered(
    server: OpenAIServer, run_memento: RunMemento, home: Path
) -> None:
    well = run_memento("doctor", "--json", env=endpoint(server))
    told = one_object(well.stdout)
    assert well.returncode == 0 and told["able"], told
    found = {each["name"]: each["status"] for each in told["checks"]}
    needed = ("configuration", "home", "key", "model endpoint", "embedding model", "case bank", "checkpoints")
    assert {name: found[name] for name in (*needed, "MCP servers", "libraries")} == dict.fromkeys(
        (*needed, "MCP servers", "libraries"), "ok"
    )
    assert found["search"] == "missing"
    assert {"sandbox", "browser", "vision model", "speech model", "ffmpeg"} <= set(found)
    assert "canary" not in well.stdout + well.stderr
    ill = run_memento("doctor")
    assert ill.returncode == 1 and "missing key" in ill.stdout and "--config local" in ill.stdout
    wrong = run_memento("doctor", "--set", "top_k=-3")
    assert wrong.returncode == 1 and "top_k" in wrong.stdout


def test_calling_a_tool_by_hand(run_memento: RunMemento) -> None:
    assert run_memento("tools", "call", "multiply", '{"a": 48, "b": 37}').stdout == "1776\n"
    refused = run_memento("tools", "call", "multiply", '{"a": "x", "b": 37}')
    assert refused.returncode == 1 and "not a number" in refused.stderr
    unknown = run_memento("tools", "call", "nope", "--json")
    assert unknown.returncode == 2 and "there is no tool 'nope'" in one_object(unknown.stdout)["error"]["message"]


def test_a_tool_called_by_hand_reads_a_file_given_with_it(run_memento: RunMemento, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("ein Wort\n")
    call = ("tools", "call", "read_file", '{"path": "note.txt"}')
    assert "ein Wort" in run_memento(*call, "--file", str(tmp_path / "note.txt"), "--thread", "mine").stdout
    assert "ein Wort" in run_memento(*call, "--thread", "mine").stdout
    elsewhere = run_memento(*call)
    assert elsewhere.returncode == 1 and "there is no file" in elsewhere.stderr
    missing = run_memento(*call, "--file", str(tmp_path / "none.txt"))
    assert missing.returncode == 2 and "cannot be read" in missing.stderr


def test_on_a_terminal_the_plan_is_drawn_and_ticked_off(server: OpenAIServer) -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, **endpoint(server), "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "90"}
    command = [sys.executable, "-m", "cli", "ask", QUESTION]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    shown = b""
    while chunk := _read(leader):
        shown += chunk
    assert process.wait(timeout=30) == 0
    os.close(leader)
    text = clean(shown.decode())
    for piece in ("no earlier case", "✓ 1 Multiply 48 by 37.", "multiply(a=48, b=37) → 1776", "✗ 3", ANSWER, "✓ right"):
        assert piece in text


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""
