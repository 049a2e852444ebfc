"""The agent as one checkpointed LangGraph. Public names load on first use, so that importing this costs nothing."""

import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # before langgraph: a tampered checkpoint runs no code

if TYPE_CHECKING:
    from graph.api import aask, aresume, ask
    from graph.builder import build_graph
    from graph.results import Result
    from graph.services import open_services

__all__ = ["Result", "aask", "aresume", "ask", "build_graph", "open_services"]

_HOMES = {
    "Result": "graph.results",
    "aask": "graph.api",
    "aresume": "graph.api",
    "ask": "graph.api",
    "build_graph": "graph.builder",
    "open_services": "graph.services",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
