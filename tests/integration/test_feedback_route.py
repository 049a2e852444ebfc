"""Feedback over HTTP to a real `langgraph dev`, days after the run as it were, and other processes beside it."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memory.entries import Entry
from memory.journal import replay
from memory.open_memories import open_case_memory
from tests.conftest import ROOT, RunMemento, SettingsFactory
from tests.fakes.langgraph_server import ASSISTANT, Server, langgraph_dev, question
from tests.fakes.openai_server import OpenAIServer

QUESTION = "What is 48 times 37?"
DAYS_LATER = "What is 48 times 37, days later?"
RULES: list[dict[str, Any]] = [
    {"when": "(?s)^system: You judge", "reply": {"content": '{"verdict": "correct", "reason": "it adds up"}'}},
    {"when": "(?s)^system: You plan", "reply": {"content": '{"final_answer": "1776"}'}},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        OpenAIServer(RULES) as model,
        langgraph_dev(tmp_path_factory.mktemp("feedback"), model.url, MEMENTO_POLICY="bandit") as running,
    ):
        yield running


@pytest.fixture(scope="module")
def told(server: Server) -> dict[str, Any]:
    """Runs on one thread; from the second on they are shown cases."""
    thread = server.client.threads.create()["thread_id"]
    run: dict[str, Any] = {"thread": thread}
    texts = (QUESTION, "What is 37 times 48?", "Multiply 48 by 37, please.", "48 times 37 is how much?")
    for name, text in zip(("first", "second", "third", "last"), texts, strict=True):
        parts = list(server.client.runs.stream(thread, ASSISTANT, input=question(text), stream_mode=["values"]))
        run[name] = parts[-1].data["case_id"]
        run[f"{name} run"] = parts[0].data["run_id"]
        run[f"{name} message"] = parts[-1].data["messages"][-2]["id"]
    return run


def reward_of(server: Server, case_id: str) -> tuple[int | None, str | None]:
    case = server.http("GET", f"/cases/{case_id}").json()
    return case["reward"], case["reward_source"]


def test_a_later_verdict_is_learned_from_as_if_it_had_been_known(
    server: Server, told: dict[str, Any], settings: SettingsFactory, tmp_path: Path
) -> None:
    assert reward_of(server, told["second"]) == (1, "judge")
    given = server.http("POST", f"/cases/{told['second']}/feedback", json={"verdict": "incorrect", "note": "no"})
    assert given.json() == {"case_id": told["second"], "reward": 0, "reward_source": "person"}
    assert reward_of(server, told["second"]) == (0, "person")
    server.client.runs.wait(None, ASSISTANT, input=question(DAYS_LATER))
    recorded = next(each for each in replay(server.home).entries.values() if each.case.task == DAYS_LATER)
    assert chosen(recorded) == pytest.approx(replayed(server, settings, tmp_path / "known", known=True), abs=1e-3)
    assert chosen(recorded) != pytest.approx(replayed(server, settings, tmp_path / "unknown", known=False), abs=0.1)


def chosen(entry: Entry) -> dict[str, float]:
    assert entry.episode is not None
    assert entry.episode.slate
    return {shown.case_id: shown.score for shown in entry.episode.slate}


def replayed(server: Server, settings: SettingsFactory, home: Path, *, known: bool) -> dict[str, float]:
    """What a fresh process would choose, had the verdict come with the run, or never."""
    lines = [json.loads(line) for line in (server.home / "journal.jsonl").read_text().splitlines()]
    cases = [line for line in lines if line["kind"] == "case" and line["case"]["task"] != DAYS_LATER]
    if known:
        cases[1]["case"] |= {"reward": 0, "reward_source": "person"}
    home.mkdir()
    (home / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in cases))

    async def choose() -> dict[str, float]:
        async with open_case_memory(settings(home=home)) as memory:
            found = await memory.retrieve(DAYS_LATER, policy="bandit", k=4, namespace="default")
        return {each.case.id: each.score for each in found.cases}

    return asyncio.run(choose())


@pytest.mark.parametrize("by", ["case_id", "run_id", "message", "thread_id"])
def test_a_score_finds_its_case(server: Server, told: dict[str, Any], by: str) -> None:
    names = {
        "case_id": {"case_id": told["first"]},
        "run_id": {"run_id": told["first run"]},
        "message": {"run_id": told["first message"]},
        "thread_id": {"thread_id": told["thread"]},
    }
    case_id = told["last" if by == "thread_id" else "first"]
    for score, reward in ((0.0, 0), (True, 1)):
        body = {**names[by], "key": "user_score", "score": score, "comment": "from a form", "trace_id": "ignored"}
        answered = server.http("POST", "/feedback", json=body)
        assert answered.json() == {"case_id": case_id, "reward": reward, "reward_source": "person"}
        assert reward_of(server, case_id) == (reward, "person")


GOOD = {"reward": 0}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/cases/CASE/feedback", {"reward": 2}, {}, 422),
        ("/cases/CASE/feedback", {"reward": 0, "verdict": "correct"}, {}, 422),
        ("/cases/CASE/feedback", {"reward": 0, "surprise": 1}, {}, 422),
        ("/cases/CASE/feedback", "[" * 60_000, JSON, 422),
        ("/cases/0123456789abcdef/feedback", GOOD, {}, 404),
        ("/feedback", {"run_id": "nobody's", "key": "correct", "score": 0}, {}, 404),
        ("/feedback", {"case_id": "CASE", "key": "helpfulness", "score": 0}, {}, 422),
        ("/feedback", {"case_id": "CASE", "key": "correctness", "score": None}, {}, 422),
        ("/cases/CASE/feedback", json.dumps(GOOD), {"Content-Type": "text/plain"}, 415),
        ("/cases/CASE/feedback", json.dumps(GOOD), {}, 415),
        ("/cases/CASE/feedback", {"reward": 0, "note": "x" * 70_000}, {}, 413),
        ("/cases/CASE/feedback", GOOD, {"Origin": "https://evil.example"}, 403),
        ("/cases/CASE/feedback", GOOD, {"Origin": "null"}, 403),
        ("/cases/CASE/feedback", GOOD, {"Host": "evil.example:2024", "Origin": "http://evil.example:2024"}, 403),
    ],
)
def test_what_is_refused_changes_nothing(
    server: Server, told: dict[str, Any], path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    before = (server.home / "journal.jsonl").read_bytes()
    sent = {"content": body} if isinstance(body, str) else {"json": json.loads(_with_case(json.dumps(body), told))}
    answered = server.http("POST", _with_case(path, told), headers=headers, **sent)
    assert answered.status_code == status
    (reason,) = answered.json().values()
    assert "\n" not in reason
    assert not re.search(r"Traceback|/|File", reason.replace("application/json", ""))
    assert (server.home / "journal.jsonl").read_bytes() == before


def test_a_foreign_page_reads_no_case(server: Server, told: dict[str, Any]) -> None:
    path = f"/cases/{told['first']}"
    assert server.http("GET", path, headers={"Origin": "http://localhost:3000"}).status_code == 200
    assert server.http("GET", path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert server.http("GET", path, headers={"Host": "evil.example"}).status_code == 403
    assert server.http("GET", "/cases/..%2fjournal").status_code == 404


def test_the_commands_that_read_work_beside_the_server(
    server: Server, told: dict[str, Any], run_memento: RunMemento, tmp_path: Path
) -> None:
    env = {"MEMENTO_HOME": str(server.home)}
    shown = run_memento("cases", "show", told["first"], "--json", env=env)
    assert json.loads(shown.stdout) == server.http("GET", f"/cases/{told['first']}").json()
    listed = json.loads(run_memento("cases", "list", "--json", env=env).stdout)
    assert told["first"] in {case["id"] for case in listed["cases"]}
    assert json.loads(run_memento("cases", "stats", "--json", env=env).stdout)["cases"] == listed["total"]
    found = run_memento("cases", "search", QUESTION, "--json", env=env)
    assert json.loads(found.stdout)["cases"][0]["task"] == QUESTION
    assert "comparing every case instead" in found.stderr
    exported = run_memento("cases", "export", str(tmp_path / "cases.jsonl"), env=env)
    assert exported.returncode == 0
    assert len((tmp_path / "cases.jsonl").read_text().splitlines()) == listed["total"]


@pytest.mark.parametrize("command", ["feedback", "archive", "delete", "import"])
def test_the_commands_that_change_say_who_holds_the_bank(
    server: Server, told: dict[str, Any], run_memento: RunMemento, tmp_path: Path, command: str
) -> None:
    given = tmp_path / "one.jsonl"
    given.write_text(
        '{"question": "q", "plan": "{\\"plan\\": [{\\"id\\": 1, \\"description\\": \\"d\\"}]}", "reward": 1}'
    )
    arguments = {
        "feedback": ("feedback", told["first"], "incorrect"),
        "archive": ("cases", "archive", told["first"]),
        "delete": ("cases", "delete", told["first"], "--yes"),
        "import": ("cases", "import", str(given)),
    }[command]
    before = (server.home / "journal.jsonl").read_bytes()
    refused = run_memento(*arguments, env={"MEMENTO_HOME": str(server.home)})
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert re.search(r"is in use by process \d+", line)
    assert ("POST /cases/" in line) == (command == "feedback")
    assert (server.home / "journal.jsonl").read_bytes() == before


def test_the_documentations_examples_work(server: Server, told: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    commands = re.findall(r"^curl (?:.*\\\n)*.*$", page, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        assert _sent(server, _with_ids(command, told)).status_code == 200, command


def test_the_routes_block_no_event_loop(server: Server, told: dict[str, Any]) -> None:
    log = server.log.read_text()
    assert "Starting" in log, "the log is the server's"
    assert "Blocking call" not in log
    assert "Unable to parse docstring" not in log


def _with_case(text: str, told: dict[str, Any]) -> str:
    return text.replace("CASE", told["first"])


def _with_ids(command: str, told: dict[str, Any]) -> str:
    ids = {"CASE_ID": told["first"], "RUN_ID": told["first run"], "THREAD_ID": told["thread"]}
    return re.sub("|".join(ids), lambda found: ids[found[0]], command)


def _sent(server: Server, command: str) -> Any:
    """A curl command as curl would send it; it may use -s, -X, -H, -d and one address."""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, path, headers, data = "", "", {}, None
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            data = next(words)
        elif word != "-s":
            path = word.removeprefix("http://127.0.0.1:2024")
    return server.http(method or ("POST" if data else "GET"), path, headers=headers, content=data)
