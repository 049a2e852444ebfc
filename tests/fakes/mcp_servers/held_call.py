"""A program in the middle of a call that never ends: `held_call.py RAW_SERVER HOME`; prints the server's process id."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from configs.settings import Settings, load_settings
from tools.client import open_tools


def settings(server: str, home: Path) -> Settings:
    home.mkdir(parents=True, exist_ok=True)
    servers = {"raw": {"command": sys.executable, "args": [server]}, "math": {"disabled": True}}
    servers |= {"datetime": {"disabled": True}, "text": {"disabled": True}}
    (home / "mcp.json").write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    return load_settings(overrides=[f"home={home}"])


async def main(settings: Settings) -> None:
    async with open_tools(settings) as box:
        tools = {tool.name: tool for tool in await box.tools()}
        assert box.failures() == {}, box.failures()
        print(await tools["process"].ainvoke({}), flush=True)  # noqa: T201  a program's output
        await tools["wedge"].ainvoke({})


if __name__ == "__main__":
    asyncio.run(main(settings(sys.argv[1], Path(sys.argv[2]))))
