"""An MCP server without a library, so that it starts in no time and can break every rule: `raw.py MODE`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

PICTURE = "iVBORw0KGgo" + "A" * 15989  # 12,000 bytes in base64
TOOLS = (
    "echo", "fail", "die", "wedge", "wait", "cancelled", "picture", "big", "large", "environment", "child", "noise",
    "structured", "parts", "process", "wrong_shape", "wait_child", "children", "numbers",
)  # fmt: skip


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def described(name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string", "title": "Text"}}}
    hints = {"readOnlyHint": name not in ("die", "wait_child"), "destructiveHint": name == "die"}
    return {"name": name, "description": f"Do {name}.", "inputSchema": schema, "annotations": hints}


def text(value: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": value}]}


def parts() -> dict[str, Any]:
    blob = {"uri": "file:///a.bin", "mimeType": "application/zip", "blob": "QUJD"}
    return {
        "content": [
            {"type": "text", "text": "one\u0007"},
            {"type": "image", "data": PICTURE, "mimeType": "image/png"},
            {"type": "audio", "data": "QUJD", "mimeType": "audio/wav"},
            {"type": "resource_link", "uri": "https://example.org/a", "name": "paper"},
            {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "inside"}},
            {"type": "resource", "resource": blob},
        ]
    }


class Server:
    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.cancelled: list[Any] = []
        self.children: list[int] = []

    def call(self, number: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a tool call, or None for no answer."""
        if name == "die":
            os._exit(7)
        if name == "wedge":
            time.sleep(600)
        if name == "wait_child":
            self.children.append(subprocess.Popen(["sleep", "600"]).pid)
            sys.stderr.write(f"child {self.children[-1]}\n")
            sys.stderr.flush()
        if name.startswith("wait"):
            return None
        if name == "child":
            return text(str(subprocess.Popen(["sleep", "600"]).pid))
        if name == "noise":
            sys.stderr.write("noise " * 500_000)
        results = {
            "fail": {**text("Error executing tool fail: no such town"), "isError": True},
            "picture": {"content": [{"type": "image", "data": PICTURE, "mimeType": "image/png"}]},
            "structured": {"content": [], "structuredContent": {"town": "Köln", "people": 2}},
            "parts": parts() if name == "parts" else {},
            "wrong_shape": {"content": "nonsense"},
        }
        plain = {
            "children": lambda: json.dumps(self.children),
            "cancelled": lambda: json.dumps(self.cancelled),
            "big": lambda: "x" * 50_000_000,
            "large": lambda: "y" * 2_000_000,
            "environment": lambda: json.dumps(dict(os.environ)),
            "process": lambda: str(os.getpid()),
            "numbers": lambda: " ".join(str(number) for number in range(20_000)),
        }
        return results.get(name) or text(plain.get(name, lambda: f"echo: {arguments.get('text', '')}")())

    def answer(self, message: dict[str, Any]) -> None:
        method, number = message.get("method"), message.get("id")
        params = message.get("params") or {}
        if method == "notifications/cancelled":
            self.cancelled.append(params["requestId"])
            sys.stderr.write(f"cancelled {params['requestId']}\n")
            sys.stderr.flush()
        if number is None:
            return
        if method == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "raw", "version": "1"}}
            send({"id": number, "result": {"protocolVersion": params["protocolVersion"], **about}})
        elif method == "tools/list":
            send({"id": number, "result": {"tools": [described(name) for name in TOOLS]}})
        elif method == "ping":
            send({"id": number, "result": {}})
        elif method == "tools/call":
            result = self.call(number, params["name"], params.get("arguments") or {})
            if result is not None:
                send({"id": number, "result": result})

    def run(self) -> None:
        for line in sys.stdin:
            if self.mode == "garbage":
                sys.stdout.write("Welcome!\n{broken\n\n")
            self.answer(json.loads(line))
            if self.mode == "garbage":
                sys.stdout.buffer.write(b"\xff\xfe not text\n")
                sys.stdout.flush()


def main(mode: str) -> int:
    if mode == "exit":
        sys.stderr.write("Traceback\nKeyError: 'TOWN_KEY'\n")
        return 3
    if mode == "hang":
        time.sleep(600)
    if mode == "stubborn":
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while mode == "flood":
        sys.stdout.write("not a message\n")
    Server(mode).run()
    if mode == "stubborn":
        time.sleep(600)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else "normal"))
