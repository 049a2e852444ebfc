"""The command line as a whole: help pages, usage errors, exit codes, the shape of `--json`."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
import typer

from cli import app, failures
from cli.__main__ import run, wants_json
from cli.exits import code_of, code_of_name
from cli.interrupts import Interrupted
from cli.options import Given
from configs.errors import AgentError, CaseBankError, ConfigurationError, InvalidInputError
from tests.snapshots.compare import assert_snapshot

PAGES = [
    "", "ask", "chat", "resume", "feedback", "doctor", "demo", "runs", "runs list", "runs show", "tools", "tools list",
    "tools call", "cases", "cases list", "cases show", "cases search", "cases stats", "cases import", "cases export",
    "cases archive", "cases restore", "cases delete", "cases compact", "cases purge", "notes", "notes list",
    "notes add", "notes edit", "notes delete", "notes clear", "cases forget", "train",
]  # fmt: skip
RESULT_KEYS = [
    "thread_id", "status", "answer", "reward", "reward_source", "case_id", "cases_used", "cycles", "plan", "subtasks",
    "usage", "seconds", "error", "interrupts",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_help(page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    assert run([*page.split(), "--help"]) == 0
    assert_snapshot(f"help/{page.replace(' ', '-') or 'memento'}.txt", capsys.readouterr().out)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("memento 0.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["ask"], "Missing argument 'QUESTION'"),
        (["ask", "x", "--nope"], "No such option: --nope"),
        (["cases", "list", "--limit", "0"], "Invalid value for '--limit'"),
        (["feedback", "abcd", "maybe"], "maybe"),
        (["--set", "top_k=-3", "cases", "list"], "--set"),
        (["cases", "list", "--set", "top_k=-3"], "got '-3'"),
        (["cases", "list", "--set", "nonsense"], "takes key=value"),
        (["cases", "list", "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["cases", "show", "abcd"], "there is no case 'abcd'"),
        (["cases", "stats", "--picture", "stats.svg"], "ends in .png"),
        (["cases", "stats", "--picture", "nowhere/stats.png"], "nowhere/stats.png: cannot be written"),
        (["cases", "stats", "--all-namespaces", "--thorough"], "counts only"),
        (["cases", "forget"], "Missing option '--keep'"),
        (["cases", "purge", "import:x"], "no case is from 'import:x'"),
        (["cases", "archive", "abcd"], "there is no case 'abcd'"),
        (["feedback", "abcd", "correct"], "there is no case 'abcd'"),
        (["ask", ""], "the question is empty"),
        (["ask", "x" * 100_001], "has 100001 characters"),
        (["ask", "x", "--file", "nowhere.txt"], "nowhere.txt"),
        (["ask", "x", "--thread", "a/b"], "thread id 'a/b'"),
        (["ask", "\udcff"], "not UTF-8"),
        (["resume", "nowhere"], "there is no run 'nowhere'"),
        (["tools", "call", "add", "{"], "no JSON"),
        (["tools", "call", "add", "[1]"], "take a JSON object"),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("memento: ") and captured.err.count("\n") == 1
    assert message in captured.err
    assert run([*arguments, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "failed"
    assert message in told["error"]["message"]


def test_a_failed_ask_prints_every_key_of_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", " ", "--json"]) == 2
    assert list(json.loads(capsys.readouterr().out)) == RESULT_KEYS


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: memento" in capsys.readouterr().out


def test_an_unexpected_exception_is_one_line_and_a_log(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    error = KeyError("sk-canary-0123456789")
    assert failures.report(error, Given(), as_json=False) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "KeyError" in told
    log = home / "logs" / "errors.log"
    assert "KeyError" in log.read_text() and "canary" not in log.read_text() + told
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ConfigurationError("x"), 2),
        (CaseBankError("x"), 1),
        (ZeroDivisionError("x"), 1),
        (Interrupted(), 130),
        (BrokenPipeError(), 0),
        (SystemExit(1), 0),
        (typer.Abort(), 1),
    ],
)
def test_exit_codes(raised: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> typer.Typer:
        raise raised

    monkeypatch.setattr(app, "build_app", fail)
    monkeypatch.setattr("cli.__main__._silence_stdout", lambda: None)
    assert run(["doctor"]) == code


def test_which_errors_are_the_callers() -> None:
    assert [code_of(error) for error in (InvalidInputError(), AgentError(), ValueError())] == [2, 1, 1]
    assert [code_of_name(name) for name in ("ConfigurationError", "PlanFormatError", "int", "")] == [2, 1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(["ask", "x", "--json"], True), (["ask", "x"], False), (["ask", "--", "--json"], False)],
)
def test_wants_json(arguments: list[str], wanted: bool) -> None:
    assert wants_json(arguments) is wanted


def test_the_resume_command_repeats_settings_but_no_secret() -> None:
    given = Given(config="my config.yaml", thread_id="abcd1234")
    given.overrides = ["top_k=2", "openai_api_key=sk-canary", "chroma_url=http://user:canary@host"]
    assert given.resume_command() == "memento resume abcd1234 --config 'my config.yaml' --set top_k=2"
