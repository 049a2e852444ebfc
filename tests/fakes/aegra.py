"""Aegra, an open server of the LangGraph API on PostgreSQL, as a process that can be killed and started again."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from tests.fakes.langgraph_server import _free_port
from tests.project_files import ROOT

START_SECONDS = 90.0


class Aegra:
    """A context manager; `client` speaks to the server, also after it was started again.

    Args:
        python: an interpreter that has aegra-api and what this project depends on; it serves this checkout.
        folder: for the configuration and the log.
        variables: the server's environment, besides what a program needs to start.
    """

    def __init__(self, python: str, folder: Path, variables: Mapping[str, str]) -> None:
        self._python = python
        self._log = folder / "aegra.log"
        self._port = _free_port()
        self.client: SyncLangGraphClient = get_sync_client(url=self._url, api_key=None)
        config = folder / "aegra.json"
        config.write_text(json.dumps({"graphs": {"memento": str(ROOT / "graph/server.py:make_graph")}}))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        self._environment = {**kept, **variables, "AEGRA_CONFIG": str(config), "PYTHONPATH": str(ROOT)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self._python, "-m", "uvicorn", "aegra_api.main:app", "--port", str(self._port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self._url}/health", timeout=2, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError(f"Aegra did not come up:\n{self._log.read_text(errors='replace')[-4000:]}")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self.client.close()

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"
