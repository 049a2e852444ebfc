"""Our client for the official conformance suite: `conformance_client.py URL`; calls what the server there lists."""

from __future__ import annotations

import asyncio
import sys

from configs.settings import load_settings
from tools.client import ToolBox
from tools.mcp_config import RemoteServer

GIVEN = {"a": 5, "b": 3}


async def main(url: str) -> None:
    box = ToolBox([RemoteServer("suite", url, {}, "streamable_http")], load_settings())
    try:
        tools = await box.tools()
        if failures := box.failures():
            raise SystemExit(str(failures))
        for tool in tools:
            schema = tool.args_schema if isinstance(tool.args_schema, dict) else {}
            names = schema.get("properties", {})
            await tool.ainvoke({name: value for name, value in GIVEN.items() if name in names})
    finally:
        await box.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1]))
