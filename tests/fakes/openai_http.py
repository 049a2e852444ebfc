"""The HTTP side of the loopback OpenAI server: reads a request, asks the script, writes what it says or misbehaves."""

from __future__ import annotations

import json
import socket
import struct
import time
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import TYPE_CHECKING, Any

from tests.fakes import openai_replies as replies
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_rules import RecordedRequest

if TYPE_CHECKING:
    from tests.fakes.openai_server import OpenAIServer

HTML = "<!doctype html><html><body><h1>Welcome to the proxy</h1></body></html>"


class HTTPServer(ThreadingTCPServer):
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
    server: HTTPServer

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
        shut(self.connection)


def shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster
