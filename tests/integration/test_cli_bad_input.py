"""Bad input from outside: one clear line each, the right exit code, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memory.writer_lock import WriterLock
from tests.conftest import RunMemento
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import ANSWER, QUESTION, rules
from tests.integration.test_cli import KEY, endpoint, one_object


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(rules()) as running:
        yield running


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["ask", "x"], {}, 2, "OPENAI_API_KEY"),
        (["ask", "x"], {"MEMENTO_TOP_K": "many"}, 2, "MEMENTO_TOP_K: got 'many'"),
        (
            ["ask", "x"],
            {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "MEMENTO_MODEL_RETRIES": "0"},
            1,
            "cannot be reached",
        ),
    ],
)
def test_a_mistake_ends_in_one_line(
    arguments: list[str], environment: dict[str, str], code: int, message: str, run_memento: RunMemento
) -> None:
    done = run_memento(*arguments, "--json", "--quiet", env=environment)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("memento: ") and done.stderr.count("\n") == 1 and message in done.stderr
    result = one_object(done.stdout)
    assert result["status"] == "failed" and message in result["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["feedback", "abcd", "correct", "--note", "caf\udce9"],
        ["cases", "import", "caf\udce9.jsonl"],
        ["cases", "search", "caf\udce9"],
        ["ask", "caf\udce9"],
        ["--set", "namespace=caf\udce9", "cases", "list"],
    ],
)
def test_bytes_that_are_not_utf_8_are_refused_by_every_command(arguments: list[str], run_memento: RunMemento) -> None:
    done = run_memento(*arguments, "--json")  # each surrogate goes out as the byte it stands for
    message = f"argument {[chr(0xDCE9) in one for one in arguments].index(True) + 1} of the command line is not UTF-8"
    assert done.returncode == 2 and done.stderr.startswith(f"memento: {message}") and done.stderr.count("\n") == 1
    assert message in one_object(done.stdout)["error"]["message"]


def test_a_wrong_model_name_is_named_and_the_run_can_be_resumed(run_memento: RunMemento) -> None:
    with OpenAIServer(rules(), strict_models=True) as server:
        asked = run_memento("ask", QUESTION, "--set", "planner_model=openai:gpt-9", "--quiet", env=endpoint(server))
        assert asked.returncode == 2 and asked.stdout == ""
        assert "openai:gpt-9" in asked.stderr and asked.stderr.count("\n") == 1
        thread = asked.stderr.partition("memento resume ")[2].split()[0]
        right = ("--set", "planner_model=openai:gpt-4.1")  # it keeps the wrong one else
        resumed = run_memento("resume", thread, "--json", *right, env=endpoint(server))
    assert one_object(resumed.stdout)["answer"] == ANSWER, resumed.stderr


def test_a_wrong_key_is_one_line_without_the_key(run_memento: RunMemento) -> None:
    with OpenAIServer(rules(), api_key="sk-right") as server:
        asked = run_memento("ask", QUESTION, "--quiet", env=endpoint(server))
    assert asked.returncode == 2 and "OPENAI_API_KEY" in asked.stderr and "canary" not in asked.stderr
    assert asked.stderr.count("\n") == 1


def test_a_question_of_a_megabyte_is_refused_at_once(run_memento: RunMemento, home: Path) -> None:
    asked = run_memento("ask", "-", stdin="x" * 1_000_000, timeout=30)
    assert asked.returncode == 2 and "1000000 characters" in asked.stderr
    assert len(asked.stderr) < 300 and not home.exists()


def test_a_broken_mcp_json_is_named_with_its_line(server: OpenAIServer, run_memento: RunMemento, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "mcp.json").write_text('{"mcpServers": {\n"mine": {"command": 3}}}')
    asked = run_memento("ask", QUESTION, "--quiet", env=endpoint(server))
    assert asked.returncode == 2 and "mcp.json, line 2" in asked.stderr and asked.stderr.count("\n") == 1


def test_a_dead_mcp_command_is_a_warning_and_the_run_goes_on(
    server: OpenAIServer, run_memento: RunMemento, home: Path
) -> None:
    home.mkdir(parents=True)
    (home / "mcp.json").write_text('{"mcpServers": {"mine": {"command": "no-such-command"}}}')
    asked = run_memento("ask", QUESTION, "--quiet", env=endpoint(server))
    assert (asked.returncode, asked.stdout) == (0, f"{ANSWER}\n"), asked.stderr
    assert asked.stderr.count("\n") == 1 and "no-such-command" in asked.stderr
    listed = one_object(run_memento("tools", "list", "--json").stdout)
    assert list(listed["failures"]) == ["mine"] and len(listed["tools"]) > 5


def test_a_corrupt_checkpoint_file_is_named_and_left_alone(
    server: OpenAIServer, run_memento: RunMemento, home: Path
) -> None:
    home.mkdir(parents=True)
    path = home / "checkpoints.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"garbage" * 5000)
    for arguments in (["ask", QUESTION, "--quiet"], ["runs", "list"], ["resume", "abcd"]):
        done = run_memento(*arguments, env=endpoint(server))
        assert done.returncode == 1 and str(path) in done.stderr and done.stderr.count("\n") == 1
    assert path.read_bytes().endswith(b"garbage")


def test_a_locked_home_is_told_and_can_still_be_read(server: OpenAIServer, run_memento: RunMemento, home: Path) -> None:
    run_memento("ask", QUESTION, "--quiet", env=endpoint(server))
    with WriterLock(home).held():
        asked = run_memento("ask", QUESTION, "--quiet", env=endpoint(server))
        assert asked.returncode == 1 and "in use by process" in asked.stderr and asked.stderr.count("\n") == 1
        for arguments in (["cases", "export"], ["runs", "list"]):
            assert run_memento(*arguments).returncode == 0
        found = run_memento("cases", "search", "half of 7", "--json")
        assert len(one_object(found.stdout)["cases"]) == 1 and "in use by process" in found.stderr
    thread = asked.stderr.partition("memento resume ")[2].rstrip(")\n")
    resumed = run_memento("resume", thread, "--json", env=endpoint(server))
    assert one_object(resumed.stdout)["status"] == "answered", resumed.stderr


def test_a_home_that_cannot_be_written_is_named(run_memento: RunMemento, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    environment = {"MEMENTO_HOME": str(tmp_path / "file" / "home"), "OPENAI_API_KEY": KEY}
    asked = run_memento("ask", "x", "--quiet", env=environment)
    assert asked.returncode == 2 and "MEMENTO_HOME" in asked.stderr and asked.stderr.count("\n") == 1
