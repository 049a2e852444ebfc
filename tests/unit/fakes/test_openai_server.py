"""The loopback server, driven by the real client: what it misbehaves with is what the client sees."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.openai_server import OpenAIServer
from tests.project_files import ROOT

HELLO: list[Any] = [{"role": "user", "content": "hello"}]


def client(server: OpenAIServer, key: str = "sk-test", retries: int = 0, timeout: float = 5) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=server.url, max_retries=retries, timeout=timeout)


def ask(server: OpenAIServer, **options: Any) -> Any:
    with client(server, **options) as api:
        return api.chat.completions.create(model="gpt-4.1", messages=HELLO)


def test_parallel_tool_calls_come_in_one_reply_and_their_answers_choose_the_next_rule() -> None:
    two = [{"name": "add", "arguments": {"a": 1, "b": 2}}, {"name": "now", "arguments": "{broken"}]
    rules: list[dict[str, Any]] = [
        {"when": "^tool: 3$", "reply": {"content": "three"}},
        {"when": "^user: hello", "reply": {"tool_calls": two}, "times": 1},
    ]
    with OpenAIServer(rules) as server, client(server) as api:
        first = api.chat.completions.create(model="o3", messages=HELLO).choices[0]
        made = first.message.tool_calls or []
        answer: Any = {"role": "tool", "tool_call_id": made[0].id, "content": "3"}
        turn: Any = first.message.model_dump(exclude_none=True)
        second = api.chat.completions.create(model="o3", messages=[*HELLO, turn, answer])
        functions = [call.function for call in made if call.type == "function"]
        assert [function.arguments for function in functions] == ['{"a": 1, "b": 2}', "{broken"]
        assert first.finish_reason == "tool_calls"
        assert second.choices[0].message.content == "three"
        assert "call add" in server.chats[1].text
        assert server.chats[0].headers["authorization"] == "Bearer sk-test"
        assert server.chats[0].json["messages"] == HELLO
        server.assert_done()


def test_a_stream_adds_up_to_the_same_reply_with_usage() -> None:
    reply = {"content": "a longer reply, in pieces", "tool_calls": [{"name": "add", "arguments": {"a": 1}}] * 2}
    with OpenAIServer([{"reply": reply}]) as server, client(server) as api:
        stream = api.chat.completions.create(
            model="o3", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == reply["content"]
    parts = [part for delta in deltas for part in delta.tool_calls or []]
    arguments = ["".join((p.function and p.function.arguments) or "" for p in parts if p.index == i) for i in (0, 1)]
    assert [json.loads(text) for text in arguments] == [{"a": 1}, {"a": 1}]
    assert chunks[-1].usage is not None and chunks[-1].usage.prompt_tokens > 0


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        ({"fault": "unauthorized"}, openai.AuthenticationError, "invalid_api_key"),
        ({"fault": "model_not_found"}, openai.NotFoundError, "model_not_found"),
        ({"fault": "rate_limited"}, openai.RateLimitError, "rate_limit_exceeded"),
        ({"fault": "server_error", "status": 503}, openai.InternalServerError, None),
        (
            {"fault": "bad_request", "code": "context_length_exceeded"},
            openai.BadRequestError,
            "context_length_exceeded",
        ),
        ({"fault": "cut"}, openai.APIConnectionError, None),
    ],
)
def test_each_fault_is_what_the_client_calls_it(
    reply: dict[str, Any], error: type[openai.APIError], code: str | None
) -> None:
    with OpenAIServer([{"reply": reply}]) as server, pytest.raises(error) as caught:
        ask(server)
    assert caught.value.code == code


def test_half_a_json_object_is_no_error_of_the_client_but_of_the_parser() -> None:
    with OpenAIServer([{"reply": {"fault": "malformed_json"}}]) as server, pytest.raises(json.JSONDecodeError):
        ask(server)


@pytest.mark.parametrize("fault", ["cut", "malformed_json"])
def test_a_stream_breaks_off_in_the_middle(fault: str) -> None:
    rules = [{"reply": {"content": "word " * 20, "fault": fault}}]
    with OpenAIServer(rules) as server, client(server) as api:
        stream = api.chat.completions.create(model="o3", messages=HELLO, stream=True)
        with pytest.raises((httpx.HTTPError, openai.APIError, json.JSONDecodeError)):
            list(stream)


def test_replies_without_substance() -> None:
    with OpenAIServer([{"reply": {"fault": "empty"}, "times": 1}, {"reply": {"fault": "no_choices"}}]) as server:
        assert ask(server).choices[0].message.content == ""
        assert ask(server).choices == []


def test_a_web_page_instead_of_json() -> None:
    with OpenAIServer([{"reply": {"fault": "html"}}]) as server:
        assert "Welcome" in ask(server)


def test_a_rule_runs_out_so_that_a_retry_succeeds_after_the_time_it_was_told() -> None:
    limited = {"reply": {"fault": "rate_limited", "retry_after": 1}, "times": 1}
    with OpenAIServer([limited, {"reply": {"content": "at last"}}]) as server:
        assert ask(server, retries=1).choices[0].message.content == "at last"
        waited = server.chats[1].at - server.chats[0].at
    assert 0.9 < waited < 3


def test_a_hang_and_a_slow_first_byte_time_out_and_do_not_hold_up_the_end() -> None:
    with OpenAIServer([{"reply": {"fault": "hang"}, "times": 1}, {"reply": {}, "delay": 60}]) as server:
        for _ in range(2):
            with pytest.raises(openai.APITimeoutError):
                ask(server, timeout=0.2)
        closing = time.monotonic()
    assert time.monotonic() - closing < 2


def test_a_request_that_no_rule_fits_is_refused_and_kept() -> None:
    with OpenAIServer([{"when": "never", "reply": {}, "times": 1}, {"model": "^o3$", "reply": {}}]) as server:
        with pytest.raises(openai.BadRequestError, match="No rule"):
            ask(server)
        with pytest.raises(AssertionError, match=r"no rule for.*hello"):
            server.assert_done()


def test_a_rule_that_was_not_used_up_fails() -> None:
    with OpenAIServer([{"reply": {}, "times": 1}]) as server, pytest.raises(AssertionError, match="not used up"):
        server.assert_done()


def test_a_misspelt_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="explode"):
        OpenAIServer([{"reply": {"fault": "explode"}}])
    with pytest.raises(ValueError, match="tmies"):
        OpenAIServer([{"reply": {}, "tmies": 1}])


def test_keys_and_models_are_checked_where_asked() -> None:
    with OpenAIServer([{"reply": {}}], api_key="sk-right", models=("o3",), strict_models=True) as server:
        with pytest.raises(openai.AuthenticationError):
            ask(server, key="sk-wrong")
        with pytest.raises(openai.NotFoundError):
            ask(server, key="sk-right")
        with client(server, key="sk-right") as api:
            assert [model.id for model in api.models.list()] == ["o3"]
            assert api.models.retrieve("o3").id == "o3"


def test_embeddings_depend_on_their_text_alone() -> None:
    with OpenAIServer([]) as server, client(server) as api:
        both = api.embeddings.create(model="e", input=["a", "b"]).data
        plain = api.embeddings.create(model="e", input="b", encoding_format="float").data
    assert len(both[0].embedding) == 384
    assert both[0].embedding != both[1].embedding
    assert both[1].embedding == pytest.approx(plain[0].embedding, abs=1e-6)


def test_as_a_process_it_prints_its_address_and_logs_each_request(tmp_path: Path) -> None:
    script, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    script.write_text(json.dumps([{"when": "hello", "reply": {"content": "hi"}}]), encoding="utf-8")
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--script", str(script), "--log", str(log)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        reply = httpx.post(f"{url}/chat/completions", json={"model": "o3", "messages": HELLO}).json()
        process.terminate()
        assert process.wait(10) == 0
    assert reply["choices"][0]["message"]["content"] == "hi"
    line = json.loads(log.read_text(encoding="utf-8"))
    assert json.loads(line["body"])["messages"] == HELLO
    assert line["rule"] == 0


async def test_it_can_be_used_where_an_event_loop_runs() -> None:
    with OpenAIServer([{"reply": {"content": "hi"}, "delay": 0.05}]) as server:
        async with openai.AsyncOpenAI(api_key="sk-test", base_url=server.url) as api:
            reply = await api.chat.completions.create(model="o3", messages=HELLO)
    assert reply.choices[0].message.content == "hi"
