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
import threading
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TextIO

from tests.fakes.openai_http import HTTPServer, shut
from tests.fakes.openai_replies import JsonObject
from tests.fakes.openai_rules import RecordedRequest, Rules


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
        self._http = HTTPServer(("127.0.0.1", port), self)
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
                shut(connection)
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
