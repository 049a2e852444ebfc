"""Faults of an endpoint: the real OpenAI client against a loopback server that misbehaves. Rows of docs/failures.md."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from configs.errors import AgentError, ConfigurationError, ModelUnavailableError, RequestTooLongError
from graph.models import ModelPool
from nodes.language_model import LanguageModel
from tests.conftest import SettingsFactory
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_server import OpenAIServer

GOOD: JsonObject = {"reply": {"content": "fine"}}
MODEL = "openai:gpt-4.1"
Opened = Callable[..., Any]


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own backoff begins at half a second."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.02)


@pytest.fixture
def opened(settings: SettingsFactory) -> Opened:
    """Opens a model at an address: `async with opened(server.url, model_retries=1) as model`."""

    @asynccontextmanager
    async def open_at(url: str, **overrides: Any) -> AsyncIterator[LanguageModel]:
        pool = ModelPool(settings(openai_base_url=url, openai_api_key="sk-test", **{"model_retries": 2, **overrides}))
        try:
            yield await pool.get(MODEL)
        finally:
            await pool.aclose()

    return open_at


async def _text(model: LanguageModel) -> str:
    return str((await model.reply([HumanMessage("2 + 2?")])).text)


async def _fault(model: LanguageModel) -> str:
    """The one line of a fault that the operator or the endpoint can mend."""
    with pytest.raises(ModelUnavailableError) as caught:
        await _text(model)
    assert "\n" not in str(caught.value) and "sk-test" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        lambda: {"Retry-After": "1"},
        lambda: {"Retry-After": formatdate(time.time() + 2, usegmt=True)},
        lambda: {"retry-after-ms": "700", "Retry-After": "60"},
    ],
    ids=["seconds", "date", "milliseconds"],
)
async def test_a_busy_endpoint_is_waited_for_as_long_as_it_asks(
    opened: Opened, headers: Callable[[], dict[str, str]]
) -> None:
    script = [{"reply": {"fault": "rate_limited", "headers": headers()}, "times": 1}, GOOD]
    with OpenAIServer(script) as server:
        async with opened(server.url) as model:
            assert await _text(model) == "fine"
        first, second = server.chats
    assert 0.6 <= second.at - first.at <= 3


async def test_without_a_time_to_wait_the_pauses_double(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.2)
    with OpenAIServer([{"reply": {"fault": "rate_limited", "headers": {}}, "times": 3}, GOOD]) as server:
        async with opened(server.url, model_retries=3) as model:
            assert await _text(model) == "fine"
        at = [request.at for request in server.chats]
    pauses = [later - earlier for earlier, later in pairwise(at)]
    assert all(0.75 * wanted <= pause < wanted + 0.25 for pause, wanted in zip(pauses, (0.2, 0.4, 0.8), strict=True))


@pytest.mark.parametrize("headers", [{"Retry-After": "3600"}, {"retry-after-ms": "3600000"}, {"Retry-After": "1e400"}])
async def test_an_endpoint_that_asks_for_an_hour_is_not_waited_for(opened: Opened, headers: dict[str, str]) -> None:
    with OpenAIServer([{"reply": {"fault": "rate_limited", "headers": headers}}]) as server:
        async with opened(server.url) as model:
            said = await _fault(model)
        assert len(server.chats) == 1
    assert "429" in said and "at most 120 s" in said


async def test_a_used_up_quota_is_not_asked_for_again(opened: Opened) -> None:
    with OpenAIServer([{"reply": {"fault": "rate_limited", "code": "insufficient_quota"}}]) as server:
        async with opened(server.url) as model:
            assert "quota" in await _fault(model)
        assert len(server.chats) == 1


async def test_many_branches_that_were_refused_at_once_come_back_one_by_one(opened: Opened) -> None:
    """32 at once are refused; after the wait one probes, and only then more and more follow."""
    script = [
        {"reply": {"fault": "rate_limited", "headers": {"Retry-After": "0.3"}}, "times": 32, "delay": 0.1},
        {"reply": {"content": "fine"}, "delay": 0.1},
    ]
    with OpenAIServer(script) as server:
        async with opened(server.url) as model:
            assert await asyncio.gather(*(_text(model) for _ in range(32))) == ["fine"] * 32
        at = [request.at for request in server.chats]
    assert len(at) == 64
    again = at[32:]
    within = [sum(1 for other in again if 0 <= other - start < 0.08) for start in again]
    assert within[0] == 1, "the first one goes alone"
    assert again[0] - at[31] >= 0.3
    assert within[1] <= 2


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 529])
async def test_a_fault_of_the_server_is_retried_and_then_the_endpoints(opened: Opened, status: int) -> None:
    fault: JsonObject = {"reply": {"fault": "server_error", "status": status}}
    with OpenAIServer([{**fault, "times": 2}, GOOD]) as server:
        async with opened(server.url) as model:
            assert await _text(model) == "fine"
    with OpenAIServer([fault]) as server:
        async with opened(server.url) as model:
            assert str(status) in await _fault(model)
        assert len(server.chats) == 3


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_reply_that_takes_for_ever_ends_in_time(opened: Opened, fault: str) -> None:
    with OpenAIServer([{"reply": {"fault": fault}}]) as server:
        async with opened(server.url, model_timeout=0.4, model_retries=1) as model:
            started = time.monotonic()
            assert "no reply in time" in await _fault(model)
        assert len(server.chats) == 2
    assert 0.8 <= time.monotonic() - started < 2.5


async def test_a_body_that_breaks_off_is_asked_for_again(opened: Opened) -> None:
    with OpenAIServer([{"reply": {"fault": "cut", "content": "x" * 1000}, "times": 2}, GOOD]) as server:
        async with opened(server.url) as model:
            assert await _text(model) == "fine"
    with OpenAIServer([{"reply": {"fault": "cut"}}]) as server:
        async with opened(server.url) as model:
            assert "cannot be reached" in await _fault(model)


async def test_an_endpoint_that_is_not_there(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with opened(f"http://127.0.0.1:{port}/v1") as model:
        assert "cannot be reached" in await _fault(model)
    with OpenAIServer([GOOD]) as server:
        async with opened(server.url.replace("http:", "https:")) as model:
            said = await _fault(model)
            assert "cannot be reached" in said and "SSL" in said

    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    async with opened("http://model.invalid/v1") as model:
        assert "Name or service not known" in await _fault(model)


async def test_a_reply_of_fifty_megabytes_is_refused_in_little_memory(opened: Opened) -> None:
    with OpenAIServer([{"reply": {"fault": "flood", "megabytes": 50}}]) as server:
        async with opened(server.url) as model:
            tracemalloc.start()
            try:
                said = await _fault(model)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
        assert len(server.chats) == 1
    assert "larger than 16 MB" in said
    assert peak < 40_000_000


@pytest.mark.parametrize(
    ("status", "names"), [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "does not know this model")]
)
async def test_a_wrong_key_or_name_is_the_users_at_once(opened: Opened, status: int, names: str) -> None:
    body = json.dumps({"error": {"message": f"no: {status}", "code": None}})
    with OpenAIServer([{"reply": {"raw": body, "status": status}}]) as server:
        async with opened(server.url) as model:
            with pytest.raises(ConfigurationError, match=names):
                await _text(model)
        assert len(server.chats) == 1


TOO_LONG = (
    {"code": "context_length_exceeded", "message": "Your input exceeds the window."},
    {"message": "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens."},
)


@pytest.mark.parametrize("refused", TOO_LONG)
async def test_a_request_that_is_too_long_is_sent_once_more_half_as_long(opened: Opened, refused: JsonObject) -> None:
    fault = {"reply": {"fault": "bad_request", **refused}}
    long = [SystemMessage("You add."), HumanMessage(f"2 + 2?\n{'x' * 40_000}\nSubtask: add")]
    with OpenAIServer([{**fault, "times": 1}, GOOD]) as server:
        async with opened(server.url) as model:
            assert str((await model.reply(long)).text) == "fine"
        first, second = (request.json["messages"][1]["content"] for request in server.chats)
    assert len(second) < len(first) / 2 + 200
    assert second.startswith("2 + 2?") and second.endswith("Subtask: add") and "characters left out" in second
    with OpenAIServer([fault]) as server:
        async with opened(server.url) as model:
            with pytest.raises(RequestTooLongError, match="longer than the model's context"):
                await model.reply(long)
        assert len(server.chats) == 2


@pytest.mark.parametrize("name", ["tool_choice", "tools", "response_format", "max_completion_tokens", "temperature"])
async def test_a_parameter_the_endpoint_does_not_take_is_named(opened: Opened, name: str) -> None:
    refused = {"fault": "bad_request", "code": "unsupported_parameter", "param": name, "message": "Not supported."}
    with OpenAIServer([{"reply": refused}]) as server:
        async with opened(server.url) as model:
            with pytest.raises(AgentError, match=f"does not take '{name}'"):
                await _text(model)
        assert len(server.chats) == 1


WEB_PAGE = "<!doctype html><title>Sign in</title>"
LASTING = {"a web page": WEB_PAGE, "an event stream": 'data: {"choices": []}\n\ndata: [DONE]\n\n'}
PASSING = {
    "nothing": "",
    "half": '{"choices": [{"message": {"role": "assistant", "content": "fi',
    "no choices": '{"choices": []}',
    "choices missing": '{"id": "1"}',
    "null": "null",
    "a list": "[]",
    "no message": '{"choices": [{"finish_reason": "stop"}]}',
    "a number for content": '{"choices": [{"message": {"role": "assistant", "content": 7}}]}',
    "a nameless call": '{"choices": [{"message": {"tool_calls": [{"id": "1", "function": {}}]}}]}',
    "nested": "[" * 100_000,
    "an error": '{"error": {"message": "upstream is down"}}',
    "no UTF-8": "\ud800",
}


@pytest.mark.parametrize("body", PASSING.values(), ids=PASSING)
async def test_a_reply_that_is_no_completion_is_asked_for_again(opened: Opened, body: str) -> None:
    with OpenAIServer([{"reply": {"raw": body}, "times": 2}, GOOD]) as server:
        async with opened(server.url) as model:
            assert await _text(model) == "fine"
    with OpenAIServer([{"reply": {"raw": body}}]) as server:
        async with opened(server.url) as model:
            assert "no chat completion, also after retries" in await _fault(model)
        assert len(server.chats) == 3


@pytest.mark.parametrize(("what", "body"), LASTING.items(), ids=LASTING)
async def test_a_reply_of_another_kind_is_not_asked_for_again(opened: Opened, what: str, body: str) -> None:
    with OpenAIServer([{"reply": {"raw": body, "headers": {"Content-Type": "text/plain"}}}]) as server:
        async with opened(server.url) as model:
            assert what in await _fault(model)
        assert len(server.chats) == 1


async def test_an_error_with_status_200_counts_as_what_it_says(opened: Opened) -> None:
    body = json.dumps({"error": {"message": "Rate limited upstream", "code": 429}})
    with OpenAIServer([{"reply": {"raw": body}}]) as server:
        async with opened(server.url, model_retries=0) as model:
            assert "answers 429" in await _fault(model)


async def test_azure_goes_the_same_way(settings: SettingsFactory) -> None:
    made = settings(
        azure_openai_api_key="az-key", azure_openai_api_version="2025-03-01-preview", model_retries=1,
        azure_openai_endpoint="http://127.0.0.1:1",
    )  # fmt: skip
    busy = {"reply": {"fault": "rate_limited"}, "times": 1}
    filtered = {"fault": "bad_request", "code": "content_filter", "message": "The prompt triggered the policy."}
    with OpenAIServer([busy, {**GOOD, "times": 1}, {"reply": filtered}], api_key="az-key") as server:
        endpoint = server.url.removesuffix("/v1")
        pool = ModelPool(made.model_copy(update={"azure_openai_endpoint": endpoint}))
        model = await pool.get("azure:my-deployment")
        assert await _text(model) == "fine"
        refused: AIMessage = await model.reply([HumanMessage("hm")])
        await pool.aclose()
        request = server.chats[1]
    assert request.path == "/openai/deployments/my-deployment/chat/completions?api-version=2025-03-01-preview"
    assert request.headers["api-key"] == "az-key" and "authorization" not in request.headers
    assert refused.additional_kwargs["refusal"] == "The prompt triggered the policy."
