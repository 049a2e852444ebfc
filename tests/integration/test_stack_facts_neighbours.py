"""What Chroma, the MCP client, the LangGraph server and pytest do silently; see test_stack_facts.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import BlockingError
from chromadb.api import ClientAPI
from chromadb.config import Settings
from chromadb.errors import InvalidArgumentError
from langchain_mcp_adapters import client, tools
from mcp.server.fastmcp import FastMCP
from mcp.shared.memory import create_connected_server_and_client_session

from tests.project_files import ROOT


@pytest.fixture
def chroma() -> Iterator[ClientAPI]:
    """A Chroma in memory; opened outside the event loop, where even the import would block."""
    import chromadb

    yield chromadb.EphemeralClient(settings=Settings(anonymized_telemetry=False))


async def test_line_6_chroma_blocks_the_event_loop_and_nobody_notices(chroma: ClientAPI) -> None:
    collection = chroma.get_or_create_collection("line-6", embedding_function=None)
    vectors = np.eye(100, dtype=np.float32)
    collection.add(ids=[str(number) for number in range(100)], embeddings=vectors)
    assert collection.query(query_embeddings=vectors[7:8], n_results=1)["ids"] == [["7"]]
    with pytest.raises(BlockingError):
        time.sleep(0)  # noqa: ASYNC251  shows that somebody is watching


@pytest.fixture
def server() -> FastMCP:
    """Made outside the event loop, since it looks for an .env file."""
    made = FastMCP("math")
    made.add_tool(lambda a: a + 1, name="increment", description="Add one")
    return made


async def test_line_7_tools_of_the_mcp_client_open_a_session_for_every_call(
    server: FastMCP, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    @asynccontextmanager
    async def session(*_: Any, **__: Any) -> AsyncIterator[Any]:
        opened.append(1)
        async with create_connected_server_and_client_session(server) as connected:
            yield connected

    monkeypatch.setattr(client, "create_session", session)
    monkeypatch.setattr(tools, "create_session", session)
    connections: Any = {"math": {"transport": "stdio", "command": "never-started", "args": []}}
    [increment] = await client.MultiServerMCPClient(connections).get_tools()
    for _ in range(3):
        await increment.ainvoke({"a": 1})
    assert len(opened) == 1 + 3


def test_line_17_collection_names_need_three_characters(chroma: ClientAPI) -> None:
    chroma.get_or_create_collection("abc", embedding_function=None)
    with pytest.raises(InvalidArgumentError, match="3-512 characters"):
        chroma.get_or_create_collection("ab", embedding_function=None)


SERVER_PROBE = """
import json, os, sys
os.environ.update(LANGSMITH_LANGGRAPH_API_VARIANT="local_dev", REDIS_URI="fake", DATABASE_URI=":memory:",
                  MIGRATIONS_PATH="__inmem", LANGGRAPH_RUNTIME_EDITION="inmem")
import langgraph_api.graph as server
told = {}
for variable in ("plain", "saved", "factory"):
    try:
        server._graph_from_spec(server.GraphSpec(id="m", path=sys.argv[1], variable=variable))
        told[variable] = "loaded"
    except ValueError as error:
        told[variable] = str(error)
told["modules"] = [name for name in sys.modules if name.endswith("served")]
json.dump(told, sys.stderr)
"""
SERVED = """
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

State = TypedDict("State", {"x": int})
graph = StateGraph(State).add_node("a", lambda state: {}).add_edge(START, "a")
plain, saved = graph.compile(), graph.compile(checkpointer=InMemorySaver())

def factory():
    return graph.compile(checkpointer=InMemorySaver())
"""


def test_lines_9_and_13_the_server_refuses_checkpointers_and_renames_the_module(tmp_path: Path) -> None:
    """It refuses a compiled graph that is named directly; what a factory returns is not checked but overwritten."""
    (tmp_path / "served.py").write_text(SERVED, encoding="utf-8")
    told = json.loads(in_a_process(SERVER_PROBE, str(tmp_path / "served.py")).stderr.splitlines()[-1])
    assert (told["plain"], told["factory"]) == ("loaded", "loaded")
    assert "includes a custom checkpointer" in told["saved"]
    [name] = told["modules"]
    assert name not in ("served", "__main__") and name.startswith("__")


@pytest.mark.parametrize(
    ("mode", "packages", "passed"),
    [("prepend", True, False), ("importlib", True, False), ("prepend", False, False), ("importlib", False, True)],
)
def test_line_11_test_folders_need_importlib_mode_and_no_init_files(
    mode: str, packages: bool, passed: bool, tmp_path: Path
) -> None:
    """An __init__.py shadows our package in either mode; without one, files of one name clash in the old mode.

    With a name of ours in place of `shadowed`, an editable installation would find the right one all the same.
    """
    test = "import shadowed.client\n\ndef test_nothing():\n    pass\n"
    folders = ("shadowed",) if packages else ("other", "shadowed")
    files = {f"tests/unit/{folder}/test_client.py": test for folder in folders}
    files |= {"shadowed/__init__.py": "", "shadowed/client.py": ""}
    files |= {f"tests/unit/{folder}/__init__.py": "" for folder in folders if packages}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    run = "import pytest, sys; sys.exit(pytest.main(sys.argv[1:]))"
    options = ("-p", "no:cacheprovider", "-o", "pythonpath=.", f"--import-mode={mode}", "--rootdir=.", "tests")
    process = in_a_process(run, *options, folder=tmp_path, check=False)
    assert (process.returncode == 0) is passed, process.stdout
    assert passed or ("No module named 'shadowed.client'" if packages else "import file mismatch") in process.stdout


def in_a_process(
    code: str, *arguments: str, folder: Path = ROOT, check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=check,
    )
