"""A run that is cut off: its tool calls end, and what a person decided before stays decided."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.api import aask, aresume
from graph.context import Context
from tests.conftest import ROOT, SettingsFactory
from tests.fakes.decisions import QUESTION, answer, edit, final, reject
from tests.fakes.mcp_servers.running import configured, gone_within, raw, started_child
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services


async def test_a_cancelled_run_stops_its_tool_call_and_its_processes(settings: SettingsFactory, home: Path) -> None:
    await configured(home, {"raw": raw()})
    planner, executor = ScriptedModel([plan("Wait.")]), ScriptedModel([calls(("wait_child", {}))])
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        run = asyncio.create_task(aask("Wait.", services=services))
        child = await asyncio.to_thread(started_child, home / "logs" / "mcp-raw.log")
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert await asyncio.to_thread(gone_within, child, 5), "it outlived the run, though the tools stay open"


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        (edit("multiply", a=10, b=10), 'A person changed the arguments to {"a": 10, "b": 10}.\n100'),
        (reject("not now"), "a person rejected this call: not now"),
    ],
    ids=["edit", "reject"],
)
async def test_what_was_decided_outlives_the_run_that_was_told(
    settings: SettingsFactory, home: Path, decision: dict[str, Any], outcome: str
) -> None:
    arithmetic = {
        "command": sys.executable,
        "args": ["-P", "-m", "tools.servers.math"],
        "env": {"PYTHONPATH": str(ROOT)},
    }
    await configured(home, {"raw": raw(), "arithmetic": arithmetic})
    both = calls(("multiply", {"a": 48, "b": 37}), ("wait_child", {}))
    planner, executor = ScriptedModel([plan("Multiply."), final("done")]), ScriptedModel([both, Step("done")])
    async with scripted_services(settings(judge_model="none"), planner, executor) as services:
        waits = await aask(QUESTION, services=services, context=Context(approval="multiply"))
        run = asyncio.create_task(aresume(waits.thread_id, answers=answer(waits, decision), services=services))
        await asyncio.to_thread(started_child, home / "logs" / "mcp-raw.log")
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        done = await aresume(waits.thread_id, services=services)
    executor.assert_done()
    assert (done.status, done.answer) == ("answered", "done")
    decided, waited = done.subtasks[0]["tool_calls"]
    assert decided["result"] == outcome
    assert waited["result"].startswith("This call may have happened before")
