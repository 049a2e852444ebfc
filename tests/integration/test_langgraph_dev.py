"""`langgraph dev` as a process, driven with `langgraph_sdk`, with a loopback OpenAI server for a model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from configs.settings import Settings
from graph.api import ask
from graph.traces import read_trace
from memory.journal import replay
from tests.conftest import RunMemento
from tests.fakes.langgraph_server import ASSISTANT, Server, langgraph_dev
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import ANSWER, QUESTION, rules


@pytest.fixture(scope="module")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer(rules()) as server:
        yield server


@pytest.fixture(scope="module")
def server(model: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with langgraph_dev(tmp_path_factory.mktemp("langgraph-dev"), model.url) as running:
        yield running


def _assistant_id(server: Server) -> str:
    (assistant,) = server.client.assistants.search(graph_id=ASSISTANT)
    return str(assistant["assistant_id"])


def _properties(schema: dict[str, Any] | None) -> dict[str, Any]:
    assert schema is not None
    properties: dict[str, Any] = schema["properties"]
    return properties


def _question(text: str = QUESTION) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def test_schemas_and_drawing_open_nothing(server: Server) -> None:
    schemas = server.client.assistants.get_schemas(_assistant_id(server))
    inputs = _properties(schemas["input_schema"])
    assert {"messages", "files", "expected_answer"} <= set(inputs)
    assert {"messages", "answer", "reward", "case_id", "plan", "subtasks"} == set(_properties(schemas["output_schema"]))
    form = _properties(schemas["context_schema"])
    assert {"planner_model", "executor_model", "policy", "top_k", "max_cycles", "max_steps"} <= set(form)
    assert all(each["description"] for each in form.values())
    drawing = server.client.assistants.get_graph(_assistant_id(server))
    edges = {(edge["source"], edge["target"]) for edge in drawing["edges"]}
    assert {("plan", "execute"), ("execute", "reflect"), ("reflect", "plan"), ("reflect", "write_memory")} <= edges
    assert not (server.home / "journal.jsonl").exists()


def test_a_run_streams_answers_and_can_be_forked(server: Server) -> None:
    thread = server.client.threads.create()
    thread_id = thread["thread_id"]
    parts = list(
        server.client.runs.stream(
            thread_id, ASSISTANT, input=_question(), context={"max_cycles": 4}, stream_mode=["custom", "values"]
        )
    )
    told = [part.data["type"] for part in parts if part.event == "custom"]
    assert told[:2] == ["task_opened", "cases_retrieved"]
    assert told[-1] == "case_written"
    assert told.count("tool_called") == 5
    assert all(isinstance(part.data["at"], float) for part in parts if part.event == "custom")
    _is_traced(server, thread_id, told)
    final = parts[-1].data
    assert final["answer"] == ANSWER
    assert final["messages"][-1]["content"] == ANSWER
    history = server.client.threads.get_history(thread_id, limit=50)
    before_answer = [each for each in history if each["next"] == ["plan"]]
    assert len(before_answer) == 3
    fork = server.client.runs.wait(thread_id, ASSISTANT, checkpoint=before_answer[0]["checkpoint"])
    assert isinstance(fork, dict)
    assert fork["answer"] == ANSWER
    assert list(replay(server.home).entries) == [final["case_id"]], "a fork of the same task is the same case"
    again = server.client.runs.wait(thread_id, ASSISTANT, input=_question("What is 48 times 37, once more?"))
    assert isinstance(again, dict)
    assert again["case_id"] != final["case_id"]
    assert len(again["messages"]) == 4


def _is_traced(server: Server, thread_id: str, told: list[str]) -> None:
    """The trace holds what the stream told, in its order, and that the run has ended."""
    deadline = time.monotonic() + 10
    while (traced := read_trace(server.home, thread_id))[-1].event["type"] != "run_ended":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [each.event["type"] for each in traced[:-1]] == told
    assert len({each.run for each in traced}) == 1


def test_a_users_mistake_is_one_clear_error(server: Server) -> None:
    thread = server.client.threads.create()
    parts = list(server.client.runs.stream(thread["thread_id"], ASSISTANT, input=_question("   ")))
    errors = [part.data for part in parts if part.event == "error"]
    assert len(errors) == 1
    assert "the question is empty" in str(errors[0])


def test_the_same_question_gives_the_same_in_cli_script_and_server(
    server: Server, model: OpenAIServer, settings: Any, run_memento: RunMemento, tmp_path: Path
) -> None:
    environment = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "sk-test", "MEMENTO_HOME": str(tmp_path / "cli")}
    told = run_memento("ask", QUESTION, "--json", "--quiet", env=environment)
    scripted: Settings = settings(openai_base_url=model.url, openai_api_key="sk-test", home=str(tmp_path / "script"))
    returned = ask(QUESTION, settings=scripted)
    served = server.client.runs.wait(None, ASSISTANT, input=_question())
    answers = [json.loads(told.stdout)["answer"], returned.answer, served["answer"]]  # type: ignore[call-overload]  # SDK types any JSON
    assert answers == [ANSWER] * 3
    assert len(replay(tmp_path / "cli").entries) == 1
    assert len(replay(tmp_path / "script").entries) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example", "Content-Type": "text/plain"}, 403),
        ({"Origin": "https://evil.example", "Content-Type": "application/json"}, 403),
        ({"Origin": "null", "Content-Type": "application/json"}, 403),
        ({"Host": "evil.example:2024", "Origin": "http://evil.example:2024", "Content-Type": "application/json"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_foreign_page_drives_nothing(server: Server, headers: dict[str, str], status: int) -> None:
    body = json.dumps({"assistant_id": ASSISTANT, "input": _question("Leak it.")})
    before = len(server.client.threads.search(limit=100))
    for path in ("/runs/wait", "/runs/stream", "/runs", "/threads"):
        assert server.http("POST", path, content=body, headers=headers).status_code == status
    if "Origin" in headers:
        asked = {**headers, "Access-Control-Request-Method": "POST"}
        assert server.http("OPTIONS", "/runs/wait", headers=asked).status_code == status
        assert server.http("POST", "/threads/search", json={}, headers=headers).status_code == status
    assert len(server.client.threads.search(limit=100)) == before


def test_a_foreign_page_opens_no_websocket(server: Server) -> None:
    thread_id = server.client.threads.create()["thread_id"]
    address = f"{server.url.replace('http', 'ws')}/threads/{thread_id}/stream/events"
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, origin=Origin(origin))
        assert refused.value.response.status_code == 403
    with connect(address, origin=Origin("http://localhost:3000")) as socket:
        socket.send("nothing")
        assert "Protocol commands must be" in str(socket.recv(20))


def test_a_caller_behind_a_proxy_of_this_machine_is_from_elsewhere(server: Server) -> None:
    refused = server.http("GET", "/info", headers={"X-Forwarded-For": "203.0.113.7"})
    assert refused.status_code == 403
    assert "no authentication" in refused.json()["detail"]
    assert "set MEMENTO_ALLOW_UNAUTHENTICATED=true" in server.log.read_text()


def test_the_server_found_nothing_slow_or_blocking(server: Server) -> None:
    log = server.log.read_text()
    assert "Starting" in log, "the log is the server's"
    assert "Blocking call" not in log
    slow, runs = log.count("Slow graph load"), log.count("Background run ")
    assert slow * 4 < runs, "every run waits for what the graph's factory does"  # a busy machine makes one slow
