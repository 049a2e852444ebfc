"""Our tool servers over HTTP as processes: what a web page or a stranger sends, and starts that would open them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.project_files import ROOT

MODULE = "tools.servers.code"
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PING = '{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}'  # fmt: skip  # noqa: E501  as it goes over the wire


@contextmanager
def started(home: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The code server as a process, which is killed at the end whatever has come of the test."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(home), **environment}
    command = [sys.executable, "-P", "-m", MODULE, *arguments]
    with subprocess.Popen(command, env=env, cwd=home, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the code server."""
    with started(tmp_path_factory.mktemp("home"), "--http", "0") as process:
        assert process.stderr is not None
        found = next(found for line in process.stderr if (found := re.search(r"running on (http://\S+)", line)))
        yield f"{found[1]}/mcp"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    ],
)
def test_a_foreign_page_gets_nothing_from_a_tool_server(served: str, headers: dict[str, str], status: int) -> None:
    refused = httpx.post(served, content=PING, headers={**JSON, **headers})
    assert refused.status_code == status
    assert "serverInfo" not in refused.text
    assert "access-control-allow-origin" not in refused.headers
    fine = httpx.post(served, content=PING, headers=JSON)
    assert fine.status_code == 200
    assert "serverInfo" in fine.text


def test_it_tells_its_own_version(served: str) -> None:
    told = re.search(r'"serverInfo":(\{.*?\})', httpx.post(served, content=PING, headers=JSON).text)
    assert told is not None
    assert json.loads(told[1]) == {"name": "code", "version": version("memento-agent")}


def test_a_page_may_not_ask_beforehand_either(served: str) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answered = httpx.options(served, headers=asked)
    assert answered.status_code == 403
    assert not [name for name in answered.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("address", "environment", "says"),
    [
        ("0.0.0.0:0", {}, "set MEMENTO_MCP_TOKEN"),
        ("[::]:0", {}, "set MEMENTO_MCP_TOKEN"),
        ("127.0.0.1:0", {"MEMENTO_SANDBOX": "subprocess", "MEMENTO_ALLOW_UNSAFE_CODE": "1"}, "subprocess"),
    ],
)
def test_a_tool_server_that_would_be_open_does_not_start(
    address: str, environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    with started(tmp_path, "--http", address, **environment) as process:
        try:
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode not in (0, None)
    assert says in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1
