"""A loopback HTTP server that keeps what it is sent: an OTLP collector, a LangSmith, one that answers nothing good."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

INFO = (
    b'{"version": "0.10.0", "batch_ingest_config": {"use_multipart_endpoint": true, "scale_up_qsize_trigger": 1000,'
    b' "scale_up_nthreads_limit": 4, "scale_down_nempty_trigger": 4, "size_limit": 100, "size_limit_bytes": 20971520}}'
)


@dataclass(frozen=True)
class Sent:
    """One request; `body` is decompressed."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """A context manager. `status` is what every POST is answered with."""

    status: int = 202
    sent: list[Sent] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def posted(self, path: str) -> list[Sent]:
        """What came to an address."""
        return [each for each in self.sent if each.path.startswith(path)]

    def everything(self) -> bytes:
        """All paths, headers and bodies, to be searched."""
        return b"\n".join(f"{each.path} {each.headers}".encode() + each.body for each in self.sent)

    def __enter__(self) -> Self:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(200, INFO)

            def do_POST(self) -> None:
                body = self._body()
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.sent.append(Sent(self.path, dict(self.headers.items()), body))
                self._answer(sink.status, b"{}")

            do_PATCH = do_POST

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    parts = []
                    while size := int(self.rfile.readline(), 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
