"""What goes to the endpoint is what LangChain's own client sends."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from langchain_core.messages import HumanMessage
from langchain_openai import AzureChatOpenAI, ChatOpenAI

from graph.quick_chat import QuickAzureChatOpenAI, QuickChatOpenAI

TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add.",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    },
}
REPLY = {
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}],
}
AZURE = {"azure_deployment": "m", "azure_endpoint": "http://azure.test", "api_version": "2025-03-01-preview"}


@pytest.mark.parametrize("tools", [[], [TOOL]])
@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        (ChatOpenAI, QuickChatOpenAI, {"model": "m", "base_url": "http://openai.test/v1"}),
        (AzureChatOpenAI, QuickAzureChatOpenAI, AZURE),
    ],
)
def test_the_request_is_the_same(theirs: Any, ours: Any, options: dict[str, Any], tools: list[Any]) -> None:
    assert sent(ours, options, tools) == sent(theirs, options, tools)


def sent(kind: Any, options: dict[str, Any], tools: list[Any]) -> tuple[str, str, dict[str, Any]]:
    """Address, key and body of one request."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=REPLY)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        chat = kind(api_key="k", http_client=client, http_socket_options=(), extra_body={"seen": 1}, **options)
        asked = chat.bind_tools(tools, tool_choice="none") if tools else chat
        assert asked.invoke([HumanMessage("2 + 2?")]).content == "4"
    (request,) = requests
    body = json.loads(request.content)
    assert body.get("tools", []) == tools
    assert body["seen"] == 1
    return str(request.url), request.headers.get("authorization", request.headers.get("api-key", "")), body
