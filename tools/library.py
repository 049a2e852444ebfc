"""Loads the MCP library, half a second of imports, beside the event loop."""

from __future__ import annotations

import os
import threading
from importlib import import_module

_one_at_a_time = threading.Lock()
"""Threads that enter a package's circular imports at different ends see half-initialised modules."""


def load_library() -> None:
    """Import what sessions need, and what they would import at the first call. Blocks: call it in a thread."""
    _load("mcp.client.session", "jsonschema")


def load_remote_library() -> None:
    """The same for sessions with an address. Blocks."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # the adapters import langgraph, which reads it then
    _load("mcp.client.session", "jsonschema", "langchain_mcp_adapters.sessions")


def _load(*modules: str) -> None:
    with _one_at_a_time:
        for module in modules:
            import_module(module)
