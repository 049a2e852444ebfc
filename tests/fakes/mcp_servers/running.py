"""What the tests of the ToolBox share: configurations with the fake servers, and a look at processes."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool

import configs
from configs.settings import Settings, load_settings
from tools.client import ToolBox

FAKES = Path(__file__).resolve().parent
RAW = str(FAKES / "raw.py")
BUNDLED = Path(configs.__file__).parent / "mcp.json"
OURS = {name: {"disabled": True} for name in json.loads(BUNDLED.read_text(encoding="utf-8"))["mcpServers"]}


def raw(mode: str = "normal", **more: Any) -> dict[str, Any]:
    """The entry of a fake server in an mcp.json."""
    return {"command": sys.executable, "args": [RAW, mode], **more}


def wild(file: Path, *tools: str | dict[str, Any], **state: Any) -> dict[str, Any]:
    """The entry of the server whose tools are what `file` says; writes the file. Blocks."""
    file.write_text(json.dumps({"tools": tools, **state}), encoding="utf-8")
    return {"command": sys.executable, "args": [str(FAKES / "wild.py"), str(file)]}


async def configured(home: Path, servers: dict[str, Any], **overrides: object) -> Settings:
    """Settings of a home whose mcp.json has these servers and none of ours."""
    return await asyncio.to_thread(_configured, home, servers, overrides)


async def by_name(box: ToolBox) -> dict[str, BaseTool]:
    return {tool.name: tool for tool in await box.tools()}


def gone_within(process: int, seconds: float) -> bool:
    """Whether a process has ended, or does so in time. Blocks."""
    end = time.monotonic() + seconds
    while _alive(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not _alive(process)


def started_child(log: Path, seconds: float = 30) -> int:
    """The process that `wait_child` of a fake server has started, as the server's log tells. Blocks."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
            if line.startswith("child "):
                return int(line.removeprefix("child "))
        time.sleep(0.05)
    raise AssertionError("the tool was not called")


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _configured(home: Path, servers: dict[str, Any], overrides: dict[str, object]) -> Settings:
    home.mkdir(parents=True, exist_ok=True)
    (home / "mcp.json").write_text(json.dumps({"mcpServers": {**OURS, **servers}}), encoding="utf-8")
    return load_settings(overrides=[f"home={home}", *(f"{name}={value}" for name, value in overrides.items())])
