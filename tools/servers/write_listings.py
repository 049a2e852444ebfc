"""Writes listings.json, what the bundled servers list, from their source: `python -m tools.servers.write_listings`."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import configs
from tools.listed_tool import read_definition
from tools.listings import SHIPPED, module_of, source_key
from tools.mcp_config import StdioServer, read_servers
from tools.servers.serving import server


def shipped_listings() -> dict[str, Any]:
    """For each bundled server its tools as MCP writes them, and the digest of the source they come from."""
    bundled = read_servers(Path(configs.__file__).parent / "mcp.json")
    ours = {name: module_of(each) for name, each in bundled.items() if isinstance(each, StdioServer)}
    return {name: {"source": source_key(module), "tools": _tools(name, module)} for name, module in ours.items()}


def written(listings: dict[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(listings, indent=1, ensure_ascii=False) + "\n"


def _tools(name: str, module: str) -> list[dict[str, Any]]:
    listed = asyncio.run(server(name, import_module(module).TOOLS).list_tools())
    return [read_definition(tool.model_dump(mode="json", by_alias=True)).definition() for tool in listed]


if __name__ == "__main__":
    SHIPPED.write_text(written(shipped_listings()), encoding="utf-8")
