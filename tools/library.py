"""Loads the MCP library, half a second of imports, beside the event loop."""

from __future__ import annotations

import os
import threading
from importlib import import_module

_one_at_a_time = threading.Lock()
"""Threads that enter a package's circular imports at different ends see half-initialised modules."""


def load_library() -> None:
    """Import what sessions need, and what they would import at the first call. Blocks: call it in a thread."""
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")  # the adapters import langgraph, which reads it then
    with _one_at_a_time:
        import_module("langchain_mcp_adapters.tools")
        import_module("jsonschema")
