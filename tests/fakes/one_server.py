"""One server of ours alone, as a process, for tests through the ToolBox and through the graph."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

from configs.settings import Settings
from tests.fakes.mcp_servers.running import configured
from tests.fakes.tool_table import Row, note
from tests.project_files import ROOT


async def settings_with(home: Path, name: str, module: str, **overrides: object) -> Settings:
    """Settings of a home where only this server is configured.

    Args:
        name: of the server.
        module: its module, such as `tools.servers.spreadsheet`.
    """
    entry = {
        "command": sys.executable,
        "args": ["-P", "-m", module],
        "env": {"PYTHONPATH": str(ROOT), "MEMENTO_HOME": str(home)},
    }
    return await configured(home, {name: entry}, **overrides)


async def noted(tool: BaseTool, arguments: dict[str, Any], given: str, origin: str, wanted: str, check: str) -> str:
    """Call a tool, see that its result holds `wanted`, and keep a row for docs/tools.md."""
    started = time.monotonic()
    said = str(await tool.ainvoke(arguments))
    seconds = time.monotonic() - started
    assert wanted in said, said[:3000]
    server = (tool.metadata or {}).get("server", "")
    note(Row(server, tool.name, given, origin, wanted, check, round(seconds, 2)))
    return said
