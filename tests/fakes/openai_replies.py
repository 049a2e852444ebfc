"""What the loopback OpenAI server puts on the wire: pure functions from a scripted reply to bodies and chunks.

A reply is a JSON object: `content`, `tool_calls` (`[{"name", "arguments": {...}}]`, `arguments` may be a text that is
no JSON), `finish_reason`, `usage`, `message` (put over the assistant's message as it is); or `fault`, one of `FAULTS`,
with what the fault takes; or `raw`, a body sent as it is, with `status` and `headers`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from typing import Any, Final

JsonObject = dict[str, Any]

FAULTS: Final = {
    "unauthorized": "401, the key is wrong",
    "model_not_found": "404, no such model",
    "rate_limited": "429 with Retry-After (`retry_after`, default 0), or with `headers`, and `code`",
    "server_error": "500, or `status`",
    "bad_request": "400, or with `code`, such as context_length_exceeded, and `param`",
    "hang": "takes the request and never answers",
    "cut": "breaks the connection in the middle of the body or stream",
    "empty": "200 with a message without content and tool calls",
    "no_choices": "200 with an empty list of choices",
    "malformed_json": "200 with half a JSON object",
    "html": "200 with a web page",
    "drip": "200 and then a byte every `every` seconds (default 0.05), for ever",
    "flood": "200 with a body of `megabytes`",
}


def request_text(body: JsonObject) -> str:
    """The messages of a request as `role: content` lines, tool calls as `call NAME JSON`; or an embedding's input."""
    if "messages" not in body:
        return json.dumps(body.get("input", ""), ensure_ascii=False)
    return "\n".join(_message_text(message) for message in body["messages"])


def error(
    status: int,
    message: str,
    code: str | None = None,
    kind: str = "invalid_request_error",
    param: str | None = None,
) -> JsonObject:
    """OpenAI's error object; `status` is only told, the caller sends it."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code, "status": status}}


def error_of(reply: JsonObject, model: str) -> tuple[int, JsonObject, dict[str, str]] | None:
    """Status, body and headers of a fault that is an HTTP error, or None."""
    fault, status = reply.get("fault"), int(reply.get("status", 500))
    if fault == "unauthorized":
        return 401, error(401, "Incorrect API key provided.", "invalid_api_key"), {}
    if fault == "model_not_found":
        return 404, error(404, f"The model `{model}` does not exist.", "model_not_found"), {}
    if fault == "rate_limited":
        headers = reply.get("headers", {"Retry-After": str(reply.get("retry_after", 0))})
        code = reply.get("code", "rate_limit_exceeded")
        return 429, error(429, "Rate limit reached.", code, "requests"), headers
    if fault == "server_error":
        return status, error(status, "The server had an error.", None, "server_error"), {}
    if fault == "bad_request":
        said = str(reply.get("message", "Bad request."))
        return 400, error(400, said, reply.get("code"), param=reply.get("param")), {}
    return None


def completion(reply: JsonObject, body: JsonObject, number: int) -> JsonObject:
    """A chat.completion object."""
    reply = _cut(reply, body)
    message = _message(reply, number)
    choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body.get("model", ""),
        "choices": [] if reply.get("fault") == "no_choices" else choices,
        "usage": usage(reply, body),
    }


def chunks(reply: JsonObject, body: JsonObject, number: int) -> Iterator[JsonObject]:
    """The chat.completion.chunk objects of a stream, without the closing [DONE]."""
    reply = _cut(reply, body)
    message = _message(reply, number)
    if reply.get("fault") != "no_choices":
        yield _chunk(body, number, {"role": "assistant", "content": ""})
        for piece in _pieces(message["content"] or ""):
            yield _chunk(body, number, {"content": piece})
        for index, call in enumerate(message.get("tool_calls", [])):
            arguments, head = call["function"]["arguments"], {"name": call["function"]["name"], "arguments": ""}
            yield _chunk(body, number, {"tool_calls": [{**call, "index": index, "function": head}]})
            for piece in _pieces(arguments):
                yield _chunk(body, number, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield _chunk(body, number, {}, _finish(reply))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**_chunk(body, number, {}), "choices": [], "usage": usage(reply, body)}


def usage(reply: JsonObject, body: JsonObject) -> JsonObject:
    """The reply's own `usage`, or about four characters a token with the tool schemas counted."""
    sent = len(request_text(body)) + len(json.dumps(body.get("tools", [])))
    given, made = sent // 4 + 1, (len(reply.get("content") or "") + len(str(reply.get("tool_calls", "")))) // 4 + 1
    counted = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    return {**counted, **(reply.get("usage") or {})}


def embeddings(body: JsonObject, dimensions: int = 384) -> JsonObject:
    """Unit vectors that depend on the input alone, in the encoding that was asked for."""
    given = body.get("input", "")
    single = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
    vectors = [
        _vector(json.dumps(text), body.get("dimensions") or dimensions) for text in ([given] if single else given)
    ]
    packed = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if packed else vector}
        for index, vector in enumerate(vectors)
    ]
    tokens = len(request_text(body)) // 4 + 1
    told = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body.get("model", ""), "usage": told}


def models(names: list[str]) -> JsonObject:
    """The list object of /v1/models."""
    return {"object": "list", "data": [model(name) for name in names]}


def model(name: str) -> JsonObject:
    """One model object."""
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "tests"}


def _cut(reply: JsonObject, body: JsonObject) -> JsonObject:
    """The reply as `max_completion_tokens` leaves it: the beginning of its text and no tool call, finish reason length.

    A reply that tells its own usage stays as it is.
    """
    cap = body.get("max_completion_tokens") or body.get("max_tokens")
    made = usage({key: reply[key] for key in ("content", "tool_calls") if key in reply}, body)["completion_tokens"]
    if cap is None or made <= cap or "usage" in reply:
        return reply
    told = {"completion_tokens": cap, "total_tokens": usage({}, body)["prompt_tokens"] + cap}
    return {"content": (reply.get("content") or "")[: 4 * cap], "finish_reason": "length", "usage": told}


def _message(reply: JsonObject, number: int) -> JsonObject:
    content = "" if reply.get("fault") == "empty" else reply.get("content")
    message: JsonObject = {"role": "assistant", "content": content, "refusal": None}
    if reply.get("tool_calls"):
        message["tool_calls"] = [_call(call, number, index) for index, call in enumerate(reply["tool_calls"])]
    return {**message, **reply.get("message", {})}


def _call(call: JsonObject, number: int, index: int) -> JsonObject:
    given = call.get("arguments", {})
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    made = call.get("id", f"call_{number}_{index}")
    return {"id": made, "type": "function", "function": {"name": call["name"], "arguments": arguments}}


def _finish(reply: JsonObject) -> str:
    return str(reply.get("finish_reason", "tool_calls" if reply.get("tool_calls") else "stop"))


def _chunk(body: JsonObject, number: int, delta: JsonObject, finish: str | None = None) -> JsonObject:
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
    }


def _pieces(text: str, length: int = 12) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


def _message_text(message: JsonObject) -> str:
    content = message.get("content")
    shown = content if isinstance(content, str) else json.dumps(content or "", ensure_ascii=False)
    calls = [call["function"] for call in message.get("tool_calls") or []]
    lines = [f"call {call['name']} {call['arguments']}" for call in calls]
    return "\n".join([f"{message.get('role')}: {shown}", *lines])


def _vector(text: str, dimensions: int) -> list[float]:
    digest = hashlib.shake_256(text.encode()).digest(dimensions)
    raw = [byte / 127.5 - 1 for byte in digest]
    norm = sum(value * value for value in raw) ** 0.5 or 1.0
    return [value / norm for value in raw]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
