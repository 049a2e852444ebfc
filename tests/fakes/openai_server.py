"""A loopback server that speaks enough of the OpenAI API to test the real client, and misbehaves on demand.

In a test:

    with OpenAIServer([{"when": "Subtask 1", "reply": {"content": "1776"}, "times": 1}]) as server:
        ...                                   # OPENAI_BASE_URL=server.url
        assert server.chats[0].json["tools"]
    server.assert_done()

As a process: `python -m tests.fakes.openai_server --script FILE --port 0 --log FILE`, which prints its address on the
first line of stdout and writes each request as one JSON line to the log. A script is a JSON list of rules; the first
that fits wins:

    {"when": regex searched in the request's messages, `^` and `$` fit at line ends (default: anything),
     "model": regex searched in the model's name (default: anything), "path": part of the path (chat/completions),
     "reply": see openai_replies.py, "times": n (default: for ever), "delay": seconds until the first byte,
     "each": the name of a group of `when`; then `times` counts for each text it matches by itself}

`<<name>>` in a reply stands for what the group `name` of `when` matched.

A request that no rule fits gets 400 with code `no_rule` and is kept in `unmatched`.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import struct
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, TextIO

from tests.fakes import openai_replies as replies
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_rules import RecordedRequest, Rules

HTML = "<!doctype html><html><body><h1>Welcome to the proxy</h1></body></html>"


class OpenAIServer:
    """The server in a thread of its own; a context manager. `url` ends in /v1.

    Args:
        rules: the script, see the module's docstring.
        api_key: where given, any other key is answered 401.
        models: what /v1/models lists; `strict_models` answers 404 to a chat with any other.
        log: a file that gets each request as a JSON line.
    """

    def __init__(
        self,
        rules: list[JsonObject],
        *,
        api_key: str | None = None,
        models: tuple[str, ...] = ("gpt-4.1", "o3", "gpt-4o-mini"),
        strict_models: bool = False,
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        self.rules = Rules(rules)
        self.api_key, self.models, self.strict_models = api_key, models, strict_models
        self.requests: list[RecordedRequest] = []
        self.closing = threading.Event()
        self._log: TextIO | None = log.open("a", encoding="utf-8") if log else None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._http = _HTTPServer(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def chats(self) -> list[RecordedRequest]:
        """The requests for chat completions, in the order they came."""
        return [request for request in self.requests if request.path.split("?")[0].endswith("/chat/completions")]

    @property
    def unmatched(self) -> list[RecordedRequest]:
        """Chats and embeddings that no rule fitted."""
        return [request for request in self.chats if request.rule is None]

    def assert_done(self) -> None:
        """Raises AssertionError where a chat fitted no rule, or a rule with `times` was used less often."""
        assert not self.unmatched, f"no rule for {[request.text[-300:] for request in self.unmatched]}"
        assert not self.rules.left(), f"rules that were not used up: {self.rules.left()}"

    def record(self, request: RecordedRequest) -> None:
        with self._lock:
            self.requests.append(request)
            if self._log:
                line = {**asdict(request), "body": request.body.decode("utf-8", "replace")}
                self._log.write(json.dumps(line) + "\n")
                self._log.flush()

    def track(self, connection: socket.socket, opened: bool) -> None:
        with self._lock:
            (self._open.add if opened else self._open.discard)(connection)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop, and end every connection, also the hanging ones."""
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                _shut(connection)
        self._http.server_close()
        if self._log:
            self._log.close()

    def __enter__(self) -> OpenAIServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _HTTPServer(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 256
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], owner: OpenAIServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is what some tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.owner.track(self.connection, opened=True)

    def finish(self) -> None:
        self.server.owner.track(self.connection, opened=False)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the requests are recorded."""

    def do_GET(self) -> None:
        owner, path = self.server.owner, self.path.split("?")[0]
        self._record(b"", None)
        if not self._authorised():
            return
        if path.endswith("/models"):
            self._send(200, replies.models(list(owner.models)))
        elif path.rpartition("/models/")[2] in owner.models:
            self._send(200, replies.model(path.rpartition("/models/")[2]))
        else:
            self._send(404, replies.error(404, f"Nothing at {path}.", "model_not_found"))

    def do_POST(self) -> None:
        owner = self.server.owner
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body: JsonObject = json.loads(raw)
        taken = owner.rules.take(self.path, body)
        self._record(raw, taken[0] if taken is not None else None)
        if not self._authorised():
            return
        delay = owner.rules.rules[taken[0]].get("delay", 0) if taken is not None else 0
        if delay and owner.closing.wait(delay):
            return
        if taken is not None:
            self._reply(taken[1], body)
        elif "/embeddings" in self.path:
            self._send(200, replies.embeddings(body))
        else:
            self._send(400, replies.error(400, "No rule of the script fits this request.", "no_rule"))

    def _reply(self, reply: JsonObject, body: JsonObject) -> None:
        owner, fault, model = self.server.owner, reply.get("fault"), str(body.get("model", ""))
        if owner.strict_models and model not in owner.models:
            reply, fault = {"fault": "model_not_found"}, "model_not_found"
        refused = replies.error_of(reply, model)
        number = len(owner.requests)
        if refused is not None:
            self._send(refused[0], refused[1], refused[2])
        elif fault == "hang":
            owner.closing.wait()
        elif fault == "html":
            self._write(200, HTML.encode(), {"Content-Type": "text/html"})
        elif fault in ("drip", "flood"):
            self._endless(reply)
        elif "raw" in reply:
            headers = {"Content-Type": "application/json", **reply.get("headers", {})}
            self._write(int(reply.get("status", 200)), reply["raw"].encode("utf-8", "surrogatepass"), headers)
        elif body.get("stream"):
            self._stream(reply, body, number)
        elif "/embeddings" in self.path:
            self._send(200, replies.embeddings(body))
        else:
            self._whole(reply, body, number)

    def _whole(self, reply: JsonObject, body: JsonObject, number: int) -> None:
        payload = json.dumps(replies.completion(reply, body, number)).encode()
        half = payload[: len(payload) // 2]
        if reply.get("fault") == "cut":
            self._write(200, half, {"Content-Type": "application/json", "Content-Length": str(len(payload))})
            self._break()
        elif reply.get("fault") == "malformed_json":
            self._write(200, half, {"Content-Type": "application/json"})
        else:
            self._write(200, payload, {"Content-Type": "application/json"})

    def _endless(self, reply: JsonObject) -> None:
        size = int(reply.get("megabytes", 1000)) * 1024 * 1024
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        while reply["fault"] == "drip" and not self.server.owner.closing.wait(reply.get("every", 0.05)):
            self.wfile.write(b" ")
        for _ in range(size // 65536 if reply["fault"] == "flood" else 0):
            self.wfile.write(b" " * 65536)

    def _stream(self, reply: JsonObject, body: JsonObject, number: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        events = [json.dumps(chunk) for chunk in replies.chunks(reply, body, number)]
        if reply.get("fault") == "malformed_json":
            events[1] = events[1][:-5]
        sent = events[: len(events) // 2 + 1] if reply.get("fault") == "cut" else [*events, "[DONE]"]
        for event in sent:
            data = f"data: {event}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if reply.get("fault") == "cut":
            self._break()
        else:
            self.wfile.write(b"0\r\n\r\n")

    def _authorised(self) -> bool:
        expected = self.server.owner.api_key
        given = self.headers.get("Authorization", "").removeprefix("Bearer ") or self.headers.get("api-key", "")
        if expected is None or given == expected:
            return True
        self._send(401, replies.error(401, f"Incorrect API key provided: {given[:3]}***.", "invalid_api_key"))
        return False

    def _record(self, body: bytes, rule: int | None) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.record(RecordedRequest(self.command, self.path, headers, body, time.time(), rule))

    def _send(self, status: int, body: JsonObject, headers: dict[str, str] | None = None) -> None:
        self._write(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _write(self, status: int, payload: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)

    def _break(self) -> None:
        """Reset the connection, so that the client sees a fault and no orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        _shut(self.connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.openai_server", description=__doc__)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--api-key")
    options = parser.parse_args()
    rules = json.loads(options.script.read_text(encoding="utf-8"))
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    with OpenAIServer(rules, api_key=options.api_key, port=options.port, log=options.log) as server:
        print(server.url, flush=True)  # noqa: T201  the caller reads the address
        ended.wait()


if __name__ == "__main__":
    main()
