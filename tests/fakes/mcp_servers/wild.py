"""An MCP server that floods, and whose tools are what a file says now: `wild.py FILE`.

The file is JSON: `tools`, as tools/list gives them (a name alone is enough), and `exit`, a code to end with at once. A
tool answers with its name, but for
- `announce`: says that the tools have changed;
- `flood`: sends notifications and never stops; `chatter`: sends 3,000 and then its answer;
- `shout`: answers, and goes on writing to standard error for ever; `shouted`: how many characters it has written;
- `busy`: takes 0.2 s and answers how many calls of it were under way at once;
- `typed`: answers with structured content {"people": "many"};
- `die`: ends the process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from raw import Server, described, send, text  # type: ignore[import-not-found]  # its neighbour, run as a script

shouted: list[int] = []
NOTICE = {"method": "notifications/message", "params": {"level": "info", "data": "x" * 200}}


class Wild(Server):  # type: ignore[misc]  # see above
    def __init__(self, file: Path) -> None:
        super().__init__("normal")
        self.file = file
        self.sending = threading.Lock()
        self.under_way = 0

    def listed(self) -> list[dict[str, Any]]:
        given = json.loads(self.file.read_text(encoding="utf-8"))["tools"]
        return [described(each) if isinstance(each, str) else {**described(each["name"]), **each} for each in given]

    def call(self, number: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        if name == "busy":
            threading.Thread(target=self.busy, args=[number]).start()
            return None
        if name == "announce":
            send({"method": "notifications/tools/list_changed"})
        for _ in range(3000 if name == "chatter" else 0):
            send(NOTICE)
        while name == "flood":
            send(NOTICE)
        if name == "shout":
            threading.Thread(target=shout, daemon=True).start()
        if name == "die":
            os._exit(7)
        if name == "shouted":
            return text(str(sum(shouted)))  # type: ignore[no-any-return]  # see above
        structured = {"structuredContent": {"people": "many"}} if name == "typed" else {}
        return {**text(name), **structured}

    def busy(self, number: Any) -> None:
        self.under_way += 1
        threading.Event().wait(0.2)
        with self.sending:
            send({"id": number, "result": text(str(self.under_way))})
        self.under_way -= 1

    def answer(self, message: dict[str, Any]) -> None:
        if message.get("method") == "tools/list":
            send({"id": message["id"], "result": {"tools": self.listed()}})
        else:
            super().answer(message)


def shout() -> None:
    while True:
        sys.stderr.write("noise " * 10_000)
        shouted.append(60_000)


def main(file: Path) -> int:
    code = json.loads(file.read_text(encoding="utf-8")).get("exit")
    if code is not None:
        return int(code)
    Wild(file).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
