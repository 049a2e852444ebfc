"""Serves folders of files on loopback: pages that nobody here wrote, as a site of their own."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.fakes.real_files import KEPT


@dataclass(frozen=True, slots=True)
class Site:
    """A running server."""

    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}/{path}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        return


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a browser that went away


@contextmanager
def web_folder(folder: Path) -> Iterator[Site]:
    """Serve a folder until the context ends."""
    server = _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Site(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def npm_package(name: str, version: str) -> Path:
    """The unpacked package of the npm registry, such as `npm_package("jstree", "3.3.17")`; kept between runs."""
    folder = KEPT / f"npm-{name}-{version}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with FileLock(KEPT / f"{folder.name}.lock"):
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            command = ["npm", "pack", "--json", f"{name}@{version}"]
            packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
            archive = folder / json.loads(packed.stdout)[0]["filename"]
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
            archive.unlink()
            (folder / ".complete").touch()
    return folder / "package"


def debian_pages(name: str, package: str) -> Path:
    """A folder of HTML under /usr/share/doc, of a Debian package that has to be installed."""
    folder = Path("/usr/share/doc") / name / "html"
    assert os.access(folder / "index.html", os.R_OK), (
        f"install the pages that the tests read: apt-get install {package}"
    )
    return folder
