"""LangChain's agent-chat-ui as its npm template gives it: fetched, built, and served on loopback."""

from __future__ import annotations

import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TEMPLATE = "create-agent-chat-app@0.1.6"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Nothing on the test's output."""


def built(folder: Path) -> Path:
    """The built interface in `folder`; what is there already is not built again. The first time takes a minute."""
    app = folder / "package" / "templates" / "vite"
    if not (app / "dist" / "index.html").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _run(folder, "npm", "pack", "--silent", TEMPLATE)
        (archive,) = folder.glob("create-agent-chat-app-*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        _run(app, "npm", "install", "--no-audit", "--no-fund", "--silent")
        _run(app, "npx", "vite", "build")
    return app / "dist"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
