"""Steering through `langgraph dev`, as Studio and the SDK do it: interrupts, edits of the state, forks, cancelling; and
what Studio reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from memory.journal import replay
from tests.fakes.langgraph_server import ASSISTANT, Server, langgraph_dev, question
from tests.fakes.mcp_servers.running import gone_within, raw, started_child
from tests.fakes.one_call import PLAN, rules
from tests.fakes.openai_server import OpenAIServer

APPROVE = {"decisions": [{"type": "approve"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("steering")
    (folder / "home").mkdir()
    (folder / "home" / "mcp.json").write_text(json.dumps({"mcpServers": {"raw": raw()}}))
    with OpenAIServer(rules()) as model, langgraph_dev(folder, model.url, MEMENTO_JUDGE_MODEL="none") as running:
        yield running


def new_thread(server: Server) -> str:
    return str(server.client.threads.create()["thread_id"])


def wait(server: Server, thread: str, **options: Any) -> dict[str, Any]:
    """One run to its end or to its interrupt; the thread's state then."""
    server.client.runs.wait(thread, ASSISTANT, **options)
    return cast(dict[str, Any], server.client.threads.get_state(thread))


def history_of(server: Server, thread: str) -> list[dict[str, Any]]:
    """The thread's checkpoints, latest first."""
    return cast(list[dict[str, Any]], server.client.threads.get_history(thread, limit=100))


def asked(state: dict[str, Any]) -> dict[str, Any]:
    """The one request that waits."""
    (interrupt,) = state["interrupts"]
    return cast(dict[str, Any], interrupt["value"])


def decided(**decision: Any) -> dict[str, Any]:
    return {"resume": {"decisions": [decision]}}


def answer_of(server: Server, case_id: str) -> str:
    return replay(server.home).entries[case_id].case.answer


def test_approve_edit_and_reject(server: Server) -> None:
    thread = new_thread(server)
    state = wait(server, thread, input=question("What?"), context={"approval": "plan,tools"})
    assert asked(state)["action_requests"][0]["name"] == "plan"
    (found,) = server.client.threads.search(status="interrupted", ids=[thread])
    assert next(iter(found["interrupts"].values()))[0]["value"] == asked(state)

    state = wait(server, thread, command={"resume": "yes"})
    assert "is no decision" in asked(state)["fault"]
    state = wait(server, thread, command={"resume": APPROVE})  # no context: the task keeps its own
    assert asked(state)["action_requests"][0]["args"] == {"a": 48, "b": 37}
    edited = {"type": "edit", "edited_action": {"name": "multiply", "args": {"a": 10, "b": 10}}}
    state = wait(server, thread, command=decided(**edited))
    assert (state["values"]["answer"], state["interrupts"], state["next"]) == ("100", [], [])

    state = wait(server, thread, input=question("Again?"), context={"approval": "multiply"})
    (interrupt,) = state["interrupts"]
    rejected = {"decisions": [{"type": "reject", "message": "too dear"}]}
    state = wait(server, thread, command={"resume": {interrupt["id"]: rejected}})
    assert state["values"]["answer"] == "nothing"
    (call,) = state["values"]["subtasks"][0]["tool_calls"]
    assert (call["ok"], call["result"]) == (False, "a person rejected this call: too dear")


def test_an_edited_state_goes_on_with_the_edited_plan(server: Server) -> None:
    thread = new_thread(server)
    wait(server, thread, input=question("What?"), context={"approval": "plan"})
    mended = [{"id": 1, "description": "Multiply them, whatever they are.", "depends_on": []}]
    server.client.threads.update_state(thread, {"plan": mended}, as_node="plan")
    assert server.client.threads.get_state(thread)["next"] == ["execute"]
    state = wait(server, thread, input=None)
    assert state["values"]["answer"] == "1776"
    assert [each["description"] for each in state["values"]["subtasks"]] == [mended[0]["description"]]


def test_a_fork_gets_a_case_of_its_own(server: Server) -> None:
    thread = new_thread(server)
    first = wait(server, thread, input=question("What?"))["values"]["case_id"]
    kept = replay(server.home).entries[first].case
    history = history_of(server, thread)
    before_execute = next(each for each in history if each["next"] == ["execute"])
    before_plan = next(each for each in history if each["next"] == ["plan"] and not each["values"]["plan"])

    again = wait(server, thread, input=None, checkpoint=before_execute["checkpoint"])
    assert again["values"]["case_id"] == first, "the same plan with the same results and answer is the same case"

    other = [{"id": 1, "description": "Multiply in another way.", "depends_on": []}]
    fork = server.client.threads.update_state(
        thread, {"plan": other}, as_node="plan", checkpoint=before_execute["checkpoint"]
    )
    second = wait(server, thread, input=None, checkpoint=fork["checkpoint"])["values"]["case_id"]

    task = {**before_plan["values"]["task"], "approval": "tools"}
    fork = server.client.threads.update_state(
        thread, {"task": task}, as_node="retrieve_cases", checkpoint=before_plan["checkpoint"]
    )
    wait(server, thread, input=None, checkpoint=fork["checkpoint"])
    edited = {"type": "edit", "edited_action": {"name": "multiply", "args": {"a": 10, "b": 10}}}
    third = wait(server, thread, command=decided(**edited))["values"]["case_id"]

    assert len({first, second, third}) == 3
    assert [answer_of(server, each) for each in (first, second, third)] == ["1776", "1776", "100"]
    assert replay(server.home).entries[first].case == kept
    assert [step.description for step in replay(server.home).entries[third].case.plan] == [PLAN]
    assert len(history_of(server, thread)) > len(history), "the first way is still there"


def test_a_cancelled_run_stops_its_tool_calls_and_their_processes(server: Server) -> None:
    thread = new_thread(server)
    run = server.client.runs.create(thread, ASSISTANT, input=question("Please wait for it."))
    child = started_child(server.home / "logs" / "mcp-raw.log")
    assert not gone_within(child, 0)
    server.client.runs.cancel(thread, run["run_id"], wait=True)
    assert gone_within(child, 5)
    assert server.client.runs.get(thread, run["run_id"])["status"] == "interrupted"
    state = wait(server, new_thread(server), input=question("And now?"))
    assert state["values"]["answer"] == "1776", "others go on"


def test_what_studio_reads(server: Server) -> None:
    assert server.http("GET", "/info").is_success
    (assistant,) = server.client.assistants.search(graph_id=ASSISTANT)
    id_ = assistant["assistant_id"]
    schemas = server.client.assistants.get_schemas(id_)
    form = cast(dict[str, Any], schemas["context_schema"])["properties"]
    assert {"planner_model", "policy", "top_k", "max_cycles", "parallelism", "approval", "show_steps"} <= set(form)
    assert all(len(field["description"]) > 20 and "default" in field for field in form.values())
    assert "plan, code, side-effects, tools" in form["approval"]["description"]
    for kind in ("input_schema", "output_schema", "state_schema", "config_schema"):
        assert cast(dict[str, Any], schemas)[kind]["properties"] is not None
    for drawing in (server.client.assistants.get_graph(id_), server.client.assistants.get_graph(id_, xray=True)):
        names = {node["id"] for node in drawing["nodes"]}
        assert {"retrieve_cases", "plan", "execute", "reflect", "write_memory"} <= names
    assert server.client.assistants.get_subgraphs(id_) == {}
    wrong = server.http(
        "POST", "/runs/wait",
        json={"assistant_id": ASSISTANT, "input": question("What?"), "context": {"approval": "a plan; all"}},
    )  # fmt: skip
    assert "approval" in wrong.text and "traceback" not in wrong.text.lower()

    thread = new_thread(server)
    wait(server, thread, input=question("What?"))
    history = history_of(server, thread)
    assert [each["next"] for each in history][:2] == [[], ["write_memory"]]
    assert all(each["checkpoint"]["checkpoint_id"] and each["created_at"] for each in history)
    past = server.client.threads.get_state(thread, checkpoint=history[1]["checkpoint"])
    assert cast(dict[str, Any], past["values"])["answer"] == "1776" and past["next"] == ["write_memory"]
    stopped = wait(server, new_thread(server), input=question("What?"), interrupt_before=["execute"])
    assert stopped["next"] == ["execute"]
