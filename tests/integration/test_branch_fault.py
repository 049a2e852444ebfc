"""A fault of the model in one of several parallel subtasks: what the others finished is kept and not done again."""

from __future__ import annotations

from graph.api import aask, aresume
from tests.conftest import SettingsFactory
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.scenario import plan_reply, tool_reply

EXECUTOR = "(?s)^developer: You carry.*^Subtask: "


def script(broken: JsonObject) -> list[JsonObject]:
    """Two quick subtasks, and one whose second reply is late and broken."""
    sums = [(f"Add {each} and {each}", {"a": each, "b": each}, 2 * each) for each in (1, 2, 3)]
    third = sums[2][0]
    return [
        {"when": "(?s)^system: You plan.*Result 3: ", "reply": {"content": '{"final_answer": "2, 4, 6"}'}},
        {"when": "^system: You plan", "reply": plan_reply(*(name for name, _, _ in sums)), "times": 1},
        {"when": f"{EXECUTOR}{third}.*^tool: ", **broken},
        *({"when": f"{EXECUTOR}{name}.*^tool: ", "reply": {"content": str(value)}} for name, _, value in sums),
        *({"when": f"{EXECUTOR}{name}", "reply": tool_reply(("add", given)), "times": 1} for name, given, _ in sums),
    ]


async def test_a_fault_in_one_branch_keeps_what_the_others_did(settings: SettingsFactory) -> None:
    broken = {"reply": {"fault": "server_error"}, "delay": 3, "times": 1}
    with OpenAIServer(script(broken)) as server:
        made = settings(openai_base_url=server.url, openai_api_key="sk-test", model_retries=0, judge_model="none")
        failed = await aask("Three sums?", settings=made, thread_id="t")
        asked_before = len(server.chats)
        resumed = await aresume("t", settings=made)
        again = server.chats[asked_before:]
    assert (failed.status, failed.error.type if failed.error else "") == ("failed", "ModelUnavailableError")
    assert (resumed.status, resumed.answer) == ("answered", "2, 4, 6")
    assert [(each["status"], len(each["tool_calls"])) for each in resumed.subtasks] == [("done", 1)] * 3
    server.assert_done()  # each plan and each tool call was asked for once
    assert len(again) == 2, "the reply that was missing, and the answer"
