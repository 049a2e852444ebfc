"""A loopback server of the OpenAI API in a process of its own, as quick as asyncio allows: replies as
`benchmarks.orders` says.

`python -m benchmarks.model_server --delay 0.5` prints its address and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.orders import Call, reply_to

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"


class Connection(asyncio.Protocol):
    """One kept-alive connection: a request at a time, each answered after `delay` seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a TCP server's
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._whole_request()) is not None:
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._answer, request)
            else:
                self._answer(request)

    def _whole_request(self) -> bytes | None:
        """The body of the next request, once all of it is there."""
        head, found, rest = self._buffer.partition(HEAD_END)
        if not found:
            return None
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(LENGTH)]
        length = int(lengths[0].removeprefix(LENGTH)) if lengths else 0
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return rest[:length]

    def _answer(self, request: bytes) -> None:
        body = json.dumps(completion(json.loads(request))).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + body)


def completion(request: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request of /v1/chat/completions, in OpenAI's form. A model named `*-in-order` plans so."""
    said = [(message["role"], message.get("content") or "") for message in request["messages"]]
    in_order = request["model"].endswith("-in-order")
    reply = reply_to(said, has_tools=bool(request.get("tools")), in_order=in_order)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": _message(reply), "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


def _message(reply: str | Call) -> dict[str, Any]:
    if isinstance(reply, str):
        return {"role": "assistant", "content": reply}
    function = {"name": reply.name, "arguments": json.dumps(reply.arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }


@contextmanager
def model_server(delay: float) -> Iterator[str]:
    """The server in a process of its own; gives the address for OPENAI_BASE_URL."""
    command = [sys.executable, "-m", "benchmarks.model_server", "--delay", str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # fixed
        assert process.stdin is not None and process.stdout is not None  # noqa: S101  # pipes
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(delay), "127.0.0.1", 0, backlog=256)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    asyncio.run(serve(parser.parse_args().delay))
