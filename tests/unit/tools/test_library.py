"""The MCP adapters import langgraph; whoever imports it first must have made checkpoints safe."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.project_files import ROOT

PROBE = """
from tools.library import load_remote_library
load_remote_library()
from langgraph.checkpoint.serde import _msgpack
assert _msgpack.STRICT_MSGPACK_ENABLED
"""


def test_loading_the_library_first_keeps_checkpoints_safe() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "LANGGRAPH_STRICT_MSGPACK"}
    subprocess.run([sys.executable, "-c", PROBE], env={**environment, "PYTHONPATH": str(ROOT)}, check=True, timeout=60)
