"""A real Chroma server: the Rust one of `chroma run`, on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_chroma(folder: Path) -> Iterator[str]:
    """Its address; what it keeps is in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder), "--host", "127.0.0.1"]
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for(f"{url}/api/v2/heartbeat")
            yield url
        finally:
            process.kill()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  # loopback
            return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "the Chroma server did not start"
            time.sleep(0.05)
