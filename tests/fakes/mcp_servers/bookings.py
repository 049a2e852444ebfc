"""An MCP server that writes down what it does: `bookings.py FILE`. No library, so that it starts in no time.

`look` changes nothing and says so; `book` changes something and says nothing about itself, as most servers do. Each
call appends a line `TIME NAME KEY` to the file at once, and answers a moment later.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 0.08


class Bookings:
    def __init__(self, file: Path) -> None:
        self._file = file

    def look(self, key: str) -> str:
        self._note("look", key)
        if key.startswith("booking "):
            made = any(line.split(" ", 2)[1:] == ["book", key.removeprefix("booking ")] for line in self._lines())
            return f"{key} {'exists' if made else 'is not there'}"
        return f"{key} is fine"

    def book(self, key: str) -> str:
        self._note("book", key)
        time.sleep(ANSWER_SECONDS)
        return f"booked {key}"

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "bookings", "version": "1"}}
            return {"protocolVersion": params["protocolVersion"], **about}
        if method == "tools/list":
            return {"tools": [described("look", {"readOnlyHint": True}), described("book", None)]}
        if method == "tools/call":
            result = getattr(self, params["name"])(params["arguments"]["key"])
            return {"content": [{"type": "text", "text": result}]}
        return {}

    def _note(self, name: str, key: str) -> None:
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, f"{time.time():.6f} {name} {key}\n".encode())
        os.close(descriptor)

    def _lines(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").splitlines()


def described(name: str, hints: dict[str, bool] | None) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}
    tool = {"name": name, "description": f"{name} by key.", "inputSchema": schema}
    return tool if hints is None else {**tool, "annotations": hints}


def main() -> None:
    bookings = Bookings(Path(sys.argv[1]))
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:
            result = bookings.answer(message["method"], message.get("params") or {})
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
