"""Importing does nothing: no files, no network, no threads, no environment, and nothing heavy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project_files import ROOT, module_name, package_files

HEAVY = frozenset(
    {
        "chromadb", "langchain_mcp_adapters", "langchain_openai", "matplotlib", "mcp", "onnxruntime", "openai",
        "sentence_transformers", "tokenizers", "torch", "transformers", "xllamacpp",
    }
)  # fmt: skip
GRAPH_LIBRARIES = frozenset({"langgraph", "langchain_core", "chromadb"})
SET_HERE = frozenset({"LANGGRAPH_STRICT_MSGPACK", "HF_HUB_OFFLINE", "ANONYMIZED_TELEMETRY"})

PROBE = """
import json, os, socket, sys, threading
written, connected = [], []

def audit(event, arguments):
    if event == "open" and arguments[1] and set(str(arguments[1])) & set("wax+"):
        written.append(str(arguments[0]))
    elif event in ("os.mkdir", "os.rename", "os.remove", "subprocess.Popen", "os.fork", "os.posix_spawn"):
        written.append(f"{event} {arguments[0]}")
    elif event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        if arguments[1] != ("::1", 0):  # urllib3 asks in this way whether there is IPv6
            connected.append(str(arguments))

def audit_import(event, arguments):
    if event == "import" and arguments[0] == "langgraph" and not strict:
        strict.append(os.environ.get("LANGGRAPH_STRICT_MSGPACK", "not set"))

strict = []
before = dict(os.environ)
sys.dont_write_bytecode = True
sys.addaudithook(audit)
sys.addaudithook(audit_import)
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
told = {"modules": sorted({name.split(".")[0] for name in sys.modules}), "written": written, "connected": connected,
        "environment": sorted(changed), "threads": [thread.name for thread in threading.enumerate()], "strict": strict}
print(json.dumps(told))
"""
"""Imports the named modules in a fresh process and tells what that did; anything else it prints spoils the JSON."""


def probe(*modules: str) -> dict[str, list[str]]:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE, *modules],
        env={name: value for name, value in os.environ.items() if name not in SET_HERE} | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    told: dict[str, list[str]] = json.loads(process.stdout)
    return told


DERIVED = {"graph.quick_chat"}
"""Modules whose classes derive from a heavy library's, so that only functions import them."""


def importable() -> list[str]:
    """Every module of ours; MCP servers are programs of their own and `__main__` is run, not imported."""
    return [
        module_name(path)
        for path in package_files()
        if path.parts[:2] != ("tools", "servers") and path.name != "__main__.py"
    ]


def test_importing_every_module_does_nothing_and_loads_nothing_heavy() -> None:
    told = probe(*(name for name in importable() if name not in DERIVED))
    assert not HEAVY & set(told["modules"]), "heavy libraries are imported where they are used"
    assert told["written"] == []
    assert told["connected"] == []
    assert set(told["environment"]) <= {"LANGGRAPH_STRICT_MSGPACK"}
    assert told["threads"] == ["MainThread"]


@pytest.mark.parametrize("module", ["graph.state", "graph.builder", "nodes.plan", "nodes.execute"])
def test_checkpoints_are_safe_whatever_is_imported_first(module: str) -> None:
    assert probe(module)["strict"] == ["true"]


def test_the_public_names_cost_nothing_until_they_are_used() -> None:
    told = probe("graph", "cli", "configs", "memory", "nodes", "tools")
    assert not (HEAVY | GRAPH_LIBRARIES) & set(told["modules"])


def test_the_command_line_starts_without_the_graph() -> None:
    told = probe("cli.__main__")
    assert not (HEAVY | GRAPH_LIBRARIES) & set(told["modules"])


@pytest.mark.parametrize("path", [p for p in package_files() if p.parts[:2] == ("tools", "servers")], ids=str)
def test_importing_a_server_does_nothing(path: Path) -> None:
    told = probe(module_name(path))
    assert (told["written"], told["connected"], told["environment"]) == ([], [], [])
