"""`langgraph dev` as a process, with a loopback OpenAI server for a model, and auth where a test asks for it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from tests.project_files import ROOT

ASSISTANT = "memento"


@dataclass(frozen=True)
class Server:
    """A running `langgraph dev`."""

    client: SyncLangGraphClient
    url: str
    home: Path
    log: Path

    def http(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, as any client sends it."""
        return httpx.request(method, f"{self.url}{path}", timeout=60, trust_env=False, **options)

    def as_user(self, token: str) -> SyncLangGraphClient:
        """A client that sends a bearer token."""
        return get_sync_client(url=self.url, api_key=None, headers={"Authorization": f"Bearer {token}"})


def question(text: str) -> dict[str, Any]:
    """The input of a run."""
    return {"messages": [{"role": "user", "content": text}]}


@contextmanager
def langgraph_dev(
    folder: Path, model_url: str, *, auth: str | None = None, host: str = "127.0.0.1", **variables: str
) -> Iterator[Server]:
    """Start the server with the project's langgraph.json; its home is `folder`/home.

    Args:
        folder: for the home, the log, the configuration and the working directory.
        model_url: of the OpenAI endpoint.
        auth: the path and the name of an `Auth` object, relative to the project; beyond loopback Studio needs it too.
        host: the address it is bound to; it is called over loopback.
        variables: more environment variables.
    """
    port, log = _free_port(), folder / "server.log"
    command = [sys.executable, "-m", "langgraph_cli", "dev", "--no-browser", "--no-reload", "--port", str(port)]
    command += ["--host", host, "--config", str(_config(folder, auth, disable_studio_auth=host != "127.0.0.1"))]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            cwd=folder,  # where it keeps its runs: in a shared folder it would go on with those of an earlier server
            env={**_environment(folder, model_url), **variables},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(url, process, log)
            with get_sync_client(url=url, api_key=None) as client:
                yield Server(client, url, folder / "home", log)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _config(folder: Path, auth: str | None, *, disable_studio_auth: bool) -> Path:
    """The project's langgraph.json with absolute paths, and an auth handler where one is given."""
    config = json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))
    config["dependencies"] = [str(ROOT)]
    config["graphs"] = {name: str(ROOT / path) for name, path in config["graphs"].items()}
    config["http"]["app"] = str(ROOT / config["http"]["app"])
    if auth is not None:
        config["auth"] = {"path": str(ROOT / auth), "disable_studio_auth": disable_studio_auth}
    path = folder / "langgraph.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def _environment(folder: Path, model_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "MEMENTO_", "LANG"))}
    return {
        **kept,
        "MEMENTO_HOME": str(folder / "home"),
        "OPENAI_BASE_URL": model_url,
        "OPENAI_API_KEY": "sk-test",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGSMITH_TRACING": "false",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONPATH": str(ROOT),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/ok", timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"langgraph dev did not come up:\n{log.read_text()[-4000:]}")
