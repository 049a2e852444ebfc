"""The end of a ToolBox: quick, and no process stays behind, whatever ends the program."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from configs.errors import ToolServerError
from tests.fakes.mcp_servers.running import FAKES, RAW, by_name, configured, gone_within, raw
from tests.project_files import ROOT
from tools.client import open_tools


async def test_closing_is_quick_and_leaves_no_process(home: Path) -> None:
    async with open_tools(await configured(home, {"polite": raw(), "stubborn": raw("stubborn")})) as box:
        tools = await by_name(box)
        children = [
            int(await tools[f"{server}_{tool}"].ainvoke({}))
            for server in ("polite", "stubborn")
            for tool in ("process", "child")
        ]
        calls = [asyncio.ensure_future(tools[name].ainvoke({})) for name in ("polite_wait", "stubborn_wedge")]
        await asyncio.sleep(0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, ToolServerError)
    assert [child for child in children if not await asyncio.to_thread(gone_within, child, 1)] == []
    with pytest.raises(ToolServerError, match="the tools are closed"):
        await tools["polite_echo"].ainvoke({})


async def test_closing_while_a_server_starts(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw("hang")})) as box:
        starting = asyncio.ensure_future(box.tools())
        await asyncio.sleep(1)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    with pytest.raises(ToolServerError, match="closed"):
        await starting


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_orphan_when_the_program_is_ended_in_a_call(home: Path, number: signal.Signals) -> None:
    heeding = ["env", "--default-signal=INT"]  # a shell's background jobs are started deaf to Ctrl-C
    command = [*heeding, sys.executable, str(FAKES / "held_call.py"), RAW, str(home)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout is not None
        server = int(program.stdout.readline())
        time.sleep(0.3)
        program.send_signal(number)
        program.wait(10)
    assert gone_within(server, 1)
