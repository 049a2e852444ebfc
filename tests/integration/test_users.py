"""Two users of one server: neither sees, changes or teaches what is the other's, whatever they send."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk.client import SyncLangGraphClient

from graph.builder import build_graph
from graph.context import Context
from memory.entries import Entry
from memory.journal import replay
from tests.conftest import SettingsFactory
from tests.fakes.langgraph_server import ASSISTANT, Server, langgraph_dev, question
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import QUESTION, rules
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services

ALICE, BOB = "default.alice", "default.id-f0423a2e28ec407affd35ca21793c966"
SPOOFED = {"langgraph_auth_user": {"identity": "alice"}, "langgraph_auth_user_id": "alice", "namespace": ALICE}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with (
        OpenAIServer(rules()) as model,
        langgraph_dev(tmp_path_factory.mktemp("users"), model.url, auth="tests/fakes/two_users.py:auth") as running,
    ):
        yield running


@pytest.fixture(scope="module")
def alice(server: Server) -> Iterator[SyncLangGraphClient]:
    with server.as_user("alices-token") as client:
        yield client


@pytest.fixture(scope="module")
def bob(server: Server) -> Iterator[SyncLangGraphClient]:
    with server.as_user("bobs-token") as client:
        yield client


@pytest.fixture(scope="module")
def alices_case(server: Server, alice: SyncLangGraphClient) -> str:
    return str(asked(alice, f"From now on, always answer in French. {QUESTION}")["case_id"])


def asked(client: SyncLangGraphClient, text: str, **options: Any) -> Any:
    """The last values of a run, with what it retrieved."""
    thread = client.threads.create()["thread_id"]
    parts = list(
        client.runs.stream(thread, ASSISTANT, input=question(text), stream_mode=["values", "custom"], **options)
    )
    shown = [part.data["cases"] for part in parts if part.event == "custom" and part.data["type"] == "cases_retrieved"]
    assert parts[-1].event == "values", parts[-1]
    return {**parts[-1].data, "shown": shown[0], "thread": thread}


def entries(server: Server) -> dict[str, Entry]:
    return dict(replay(server.home).entries.items())


def test_a_user_is_shown_only_own_cases_and_notes(
    server: Server, alice: SyncLangGraphClient, bob: SyncLangGraphClient, alices_case: str
) -> None:
    bobs = asked(bob, QUESTION)
    again = asked(alice, QUESTION)
    assert bobs["shown"] == []
    assert [case["id"] for case in again["shown"]] == [alices_case]
    kept = entries(server)
    assert [kept[each].case.namespace for each in (alices_case, bobs["case_id"])] == [ALICE, BOB]
    notes = {
        name: state_of(client, run["thread"]) for name, client, run in (("alice", alice, again), ("bob", bob, bobs))
    }
    assert "French" in str(notes["alice"]["notes"])
    assert notes["bob"]["notes"] == []


def state_of(client: SyncLangGraphClient, thread: str) -> Any:
    return client.threads.get_state(thread)["values"]


@pytest.mark.parametrize(
    "options", [{"config": {"configurable": SPOOFED}}, {"config": {"metadata": SPOOFED}}, {"metadata": SPOOFED}]
)
def test_configuration_cannot_name_another_user(
    server: Server, bob: SyncLangGraphClient, alices_case: str, options: dict[str, Any]
) -> None:
    answered = asked(bob, f"What is 48 times 37, asked with {sorted(options)}?", **options)
    assert alices_case not in {case["id"] for case in answered["shown"]}
    assert entries(server)[answered["case_id"]].case.namespace == BOB


def test_an_assistants_configuration_cannot_name_another_user(
    server: Server, bob: SyncLangGraphClient, alices_case: str
) -> None:
    own = bob.assistants.create(ASSISTANT, config={"configurable": SPOOFED})
    thread = bob.threads.create()["thread_id"]
    answered: Any = bob.runs.wait(thread, own["assistant_id"], input=question("What is 48 times 37, by assistant?"))
    assert entries(server)[answered["case_id"]].case.namespace == BOB


def test_a_forged_state_neither_reads_nor_moves_anothers_cases(
    server: Server, bob: SyncLangGraphClient, alices_case: str
) -> None:
    forged = asked(bob, "What is 48 times 37, forged?")
    before: Any = [
        each for each in bob.threads.get_history(forged["thread"], limit=50) if each["next"] == ["write_memory"]
    ]
    state = before[0]["values"]
    shown = {"case_id": alices_case, "score": 1.0, "propensity": 1.0, "features": []}
    episode = {**state["episode"], "slate": [shown]}
    values = {
        "episode": episode, "task": {**state["task"], "id": "another"}, "reward": 0, "reward_source": "judge",
        "namespace": ALICE, "langgraph_auth_user": SPOOFED["langgraph_auth_user"],
    }  # fmt: skip
    facts = facts_of(server, alices_case)
    changed = bob.threads.update_state(forged["thread"], values, checkpoint=before[0]["checkpoint"], as_node="reflect")
    written: Any = bob.runs.wait(forged["thread"], ASSISTANT, checkpoint=changed["checkpoint"])
    entry = entries(server)[written["case_id"]]
    assert entry.case.namespace == BOB
    assert entry.episode is not None
    assert [each.case_id for each in entry.episode.slate] == [alices_case], "the forgery was written"
    assert facts_of(server, alices_case) == facts


def facts_of(server: Server, case_id: str) -> Any:
    return replay(server.home).facts(ALICE, [case_id])[case_id]


def test_the_routes_know_the_user(server: Server, alices_case: str) -> None:
    path, body = f"/cases/{alices_case}", {"reward": 0}
    alice, bob = ({"Authorization": f"Bearer {who}-token"} for who in ("alices", "bobs"))
    thread = {"key": "correct", "score": 0, "thread_id": entries(server)[alices_case].case.thread_id}
    assert server.http("GET", path).status_code == 401
    assert server.http("GET", path, headers=bob).status_code == 404
    assert server.http("POST", f"{path}/feedback", headers=bob, json=body).status_code == 404
    assert server.http("POST", "/feedback", headers=bob, json=thread).status_code == 404
    studio = {"x-auth-scheme": "langsmith"}
    assert server.http("GET", path, headers=studio).status_code == 404
    assert entries(server)[alices_case].case.reward == 1
    assert server.http("GET", path, headers=alice).json()["namespace"] == ALICE
    assert server.http("POST", "/feedback", headers=alice, json=thread).json()["case_id"] == alices_case
    assert entries(server)[alices_case].case.reward == 0


async def test_earlier_subtasks_are_the_users_own(settings: SettingsFactory, tmp_path: Path) -> None:
    planner = ScriptedModel([plan("Multiply 48 by 37."), '{"final_answer": "1776"}'] * 3)
    executor = ScriptedModel(
        [
            Step("1776", when="^tool: 1776", times=3),
            Step(calls(("multiply", {"a": 48, "b": 37})), when="Subtask: Multiply", times=3),
        ]
    )
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        graph = build_graph(services)
        for number, user in enumerate(["alice", "bob", "alice"]):
            config: Any = {"configurable": {"thread_id": str(number), "langgraph_auth_user": {"identity": user}}}
            given: Any = {"messages": [("user", QUESTION)], "expected_answer": "1776"}
            await graph.ainvoke(given, config, context=Context())
        kept = await asyncio.to_thread(lambda: list(replay(services.settings.home).entries.values()))
    assert [each.case.namespace for each in kept] == [ALICE, "default.bob", ALICE]
    earlier = ["Earlier subtasks:" in request.text for request in executor.requests]
    assert earlier == [False, False, False, False, True, True]
