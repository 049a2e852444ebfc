"""The official conformance suite against our servers over HTTP and against our client, and a foreign client's list.

Of its server scenarios those apply that are about tools, transport and safety. Not: logging-set-level, completion,
resources and prompts (our servers have none; listing them is answered with nothing), sampling and elicitation (they
never ask the client's model or user), tools that return pictures or sounds (ours save files and name them),
server-sse-polling (no event store: a call that was cut is made again), json-schema-2020-12 (our schemas come from
typed functions). Of the client scenarios: not elicitation, and not auth/*, since servers take headers and no OAuth.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from configs.settings import load_settings
from tests.fakes.npm_packages import CONFORMANCE, INSPECTOR, node, npm_package
from tests.project_files import ROOT
from tools.mcp_config import StdioServer, load_servers
from tools.references import with_references
from tools.workspaces import workspace

APPLIES = {
    "server-initialize", "ping", "tools-list", "tools-call-simple-text", "tools-call-error", "tools-call-with-progress",
    "server-sse-multiple-streams", "resources-list", "prompts-list", "dns-rebinding-protection",
}  # fmt: skip
CLIENT_APPLIES = ("initialize", "tools_call", "sse-retry")
SETUP_SECONDS = 600


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one of our servers over HTTP."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(tmp_path_factory.mktemp("home"))}
    command = [sys.executable, "-m", "tests.fakes.mcp_servers.conforming", "--http", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"running on (http://\S+)", line):
                yield f"{found[1]}/mcp"
                break
        process.terminate()
        process.stderr.read()


def suite(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = npm_package(CONFORMANCE) / "dist" / "index.js"
    command = [str(node()), str(program), *arguments]
    options = {"cwd": cwd, "env": {**os.environ, **environment}, "timeout": 300}
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]  # a plain dict


@pytest.mark.timeout(SETUP_SECONDS)
def test_a_server_over_http_passes_the_scenarios_that_apply(served: str, tmp_path: Path) -> None:
    done = suite("server", "--url", served, cwd=tmp_path)
    passed = set(re.findall(r"^✓ (\S+): ", done.stdout + done.stderr, re.MULTILINE))
    assert APPLIES - passed == set(), done.stdout[-3000:]


@pytest.mark.timeout(SETUP_SECONDS)
@pytest.mark.parametrize("scenario", CLIENT_APPLIES)
def test_our_client_passes_the_scenarios_that_apply(scenario: str, tmp_path: Path) -> None:
    """sse-retry measures half a second to 0.2 s; where others keep the machine busy it is tried again."""
    command = shlex.join([sys.executable, "-m", "tests.fakes.mcp_servers.conformance_client"])
    home = {"PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(tmp_path)}
    for _ in range(3 if scenario == "sse-retry" else 1):
        done = suite("client", "--command", command, "--scenario", scenario, cwd=tmp_path, **home)
        if done.returncode == 0:
            return
    pytest.fail(done.stdout[-3000:] + done.stderr[-1000:])


CALLS = {
    "math": ("multiply", {"a": "48", "b": "37"}, "1776"),
    "datetime": ("weekday", {"date": "2024-02-10"}, "Saturday"),
    "text": ("reverse", {"text": "stressed"}, "desserts"),
    "documents": ("read_document", {"path": "table.csv"}, "Ada"),
    "spreadsheet": ("query_spreadsheet", {"path": "table.csv", "sql": "select sum(age) from t_table"}, "78"),
    "image": ("describe_image", {"path": "picture.png"}, "PNG"),
    "video": ("video_info", {"path": "sound.wav"}, "0:01"),
    "code": ("run_python", {"code": "6 * 7"}, "42"),
    "audio": ("transcribe_audio", {"path": "sound.wav"}, "MEMENTO_SPEECH_MODEL"),
    "search": ("web_search", {"query": "anything"}, "SEARXNG_URL"),
    "crawl": ("crawl_page", {"url": "http://127.0.0.1:9/"}, "not a public host"),
}
"""A call of each server, and what must stand in the result; the last three lack a model, a key, a public address."""
TOOL_IS_ERROR = 5
"""How the inspector ends where a tool's result is an error."""
REFUSED = {"audio", "search", "crawl"}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A foreign client's configuration of all bundled servers, in a home with files in the default workspace."""
    home = tmp_path_factory.mktemp("home")
    space = workspace(home, "default", 10_000_000)
    space.write("table.csv", b"name,age\nAda,36\nAlan,42\n")
    for name in ("picture.png", "sound.wav"):
        space.write(name, made_file(name))
    config = tmp_path_factory.mktemp("client") / "mcp.json"
    overrides = [f"home={home}", "speech_model=none", "vision_model=none"]
    config.write_text(json.dumps({"mcpServers": entries(overrides)}), encoding="utf-8")
    return config


@pytest.mark.timeout(SETUP_SECONDS)
@pytest.mark.parametrize("server", CALLS)
def test_a_foreign_client_lists_and_calls(server: str, foreign: Path) -> None:
    tool, arguments, expected = CALLS[server]
    listed = inspected(foreign, server, "tools/list")
    shipped = json.loads((ROOT / "tools" / "servers" / "listings.json").read_text(encoding="utf-8"))
    assert [each["name"] for each in listed["tools"]] == [each["name"] for each in shipped[server]["tools"]]
    given = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
    result = inspected(foreign, server, "tools/call", "--tool-name", tool, *given)
    assert expected in " ".join(str(part["text"]) for part in result["content"]), result
    assert bool(result.get("isError")) is (server in REFUSED), result


def made_file(name: str) -> bytes:
    """A picture, or a second of silence."""
    buffer = io.BytesIO()
    if name.endswith(".png"):
        Image.new("RGB", (64, 48), "red").save(buffer, "PNG")
        return buffer.getvalue()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    return buffer.getvalue()


def entries(overrides: list[str]) -> dict[str, object]:
    """The bundled servers as a foreign client's configuration names them."""
    found: dict[str, object] = {}
    settings = load_settings(None, overrides)
    for each in load_servers(settings):
        server = with_references(each)
        assert isinstance(server, StdioServer)
        found[server.name] = {"type": "stdio", "command": server.command, "args": server.args, "env": server.env}
    return found


def inspected(config: Path, server: str, method: str, *more: str) -> dict[str, list[dict[str, object]]]:
    program = npm_package(INSPECTOR) / "clients" / "launcher" / "build" / "index.js"
    command = [str(node()), str(program), "--cli", "--config", str(config), "--server", server, "--method", method]
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, TOOL_IS_ERROR), done.stderr[-2000:]
    found: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return found
