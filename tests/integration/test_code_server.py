"""The code server: a task solved through the real graph, and what an MCP client sees of it."""

from __future__ import annotations

import asyncio
import csv
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import ClientSession
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification, TextContent

from graph.api import aask
from graph.workspaces import Workspaces
from tests.conftest import SettingsFactory
from tests.fakes.mcp_servers.running import OURS
from tests.fakes.sandboxes import gone, there
from tests.fakes.scripted_model import ScriptedModel, Step, calls, plan
from tests.fakes.services import scripted_services
from tests.fakes.tool_table import Row, note
from tests.fakes.workbooks import tables
from tools.servers import code, requests
from tools.servers.serving import server

FILE_TOOLS: dict[str, dict[str, str]] = {
    "read_file": {},
    "write_file": {"text": ""},
    "edit_file": {"old": "a", "new": "b"},
}
READ = """import csv
rows = list(csv.DictReader(open("seattle-weather.csv")))
len(rows)"""
FIGURE = """import matplotlib.pyplot as plt
snow = [row for row in rows if row["weather"] == "snow"]
plt.hist([float(row["temp_max"]) for row in snow])
len(snow), max(float(row["temp_max"]) for row in snow)"""


async def test_a_task_is_solved_in_steps_that_share_their_variables(home: Path, settings: SettingsFactory) -> None:
    source = await asyncio.to_thread(lambda: tables() / "seattle-weather.csv")
    rows = list(csv.DictReader((await asyncio.to_thread(source.read_text, "utf-8")).splitlines()))
    warmest = max(float(row["temp_max"]) for row in rows if row["weather"] == "snow")
    snowy = sum(row["weather"] == "snow" for row in rows)
    planner = ScriptedModel([plan("Find the warmest day with snow."), '{"final_answer": "done"}'])
    executor = ScriptedModel(
        [
            Step(calls(("run_python", {"code": READ}))),
            Step(calls(("run_python", {"code": FIGURE, "seconds": 60}))),
            Step(calls(("run_shell", {"command": "ls; grep -c snow seattle-weather.csv"}))),
            Step(str(warmest)),
        ]
    )
    others = {name: entry for name, entry in OURS.items() if name != "code"}
    await asyncio.to_thread(home.mkdir, parents=True)
    await asyncio.to_thread((home / "mcp.json").write_text, json.dumps({"mcpServers": others}))
    made = await asyncio.to_thread(settings, judge_model="none")
    async with scripted_services(made, planner, executor) as services:
        started = time.monotonic()
        result = await aask("How warm was the warmest day with snow?", files=[source], services=services)
    assert result.status == "answered"
    executor.assert_done()
    told = [str(request.messages[-1].text) for request in executor.requests[1:]]
    assert told[0] == f"=> {len(rows)}"
    assert told[1].startswith(f"=> ({snowy}, {warmest})\n[files made or changed: figure-1.png (")
    assert told[2] == f"figure-1.png\nseattle-weather.csv\n{snowy}"
    space = Workspaces(made.home).of(result.thread_id)
    assert (await asyncio.to_thread(space.read, "figure-1.png", 10**6)).startswith(b"\x89PNG")
    note(
        Row(
            "code",
            "run_python",
            "seattle-weather.csv in two runs, and a figure",
            "vega_datasets 0.9.0",
            told[1],
            "as the csv module counts here; the figure is a PNG in the workspace",
            time.monotonic() - started,
        )
    )


@asynccontextmanager
async def client(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch, sandbox: str = "bubblewrap"
) -> AsyncIterator[Client]:
    made = settings(sandbox=sandbox)
    monkeypatch.setattr(requests, "settings", lambda: made)
    monkeypatch.setattr(code, "settings", lambda: made)
    code.sessions.cache_clear()
    try:
        made_server = await asyncio.to_thread(server, "code", code.TOOLS)
        async with create_connected_server_and_client_session(made_server) as session:
            yield Client(session)
    finally:
        await code.sessions().close()
        code.sessions.cache_clear()


class Client:
    """Calls tools as the agent does: the workspace and the task beside the arguments."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def __call__(self, name: str, workspace: str = "one", task: str = "a", **arguments: Any) -> str:
        meta = {requests.WORKSPACE_KEY: workspace, requests.TASK_KEY: task}
        result = await self.session.call_tool(name, arguments, meta=meta)
        (part,) = result.content
        assert isinstance(part, TextContent)
        return part.text.removeprefix(f"Error executing tool {name}: ")


async def test_files_are_written_read_and_edited(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(settings, monkeypatch) as call:
        assert await call("list_files") == "the workspace is empty"
        assert await call("write_file", path="src/a.py", text="x = 1\ny = 1\n") == "wrote src/a.py (12 B)"
        assert await call("edit_file", path="src/a.py", old="= 1", new="= 2") == (
            "old is there 2 times, at lines 1, 2; give more of the lines around it"
        )
        assert await call("edit_file", path="src/a.py", old="y  = 1", new="y = 2") == (
            "old is not in the file; at line 2 is the same with other spaces or line ends, copy it exactly"
        )
        assert await call("edit_file", path="src/a.py", old="y = 1", new="y = 3") == "changed src/a.py at line 2"
        assert await call("run_python", code="from src.a import y\ny") == "=> 3"
        assert await call("read_file", path="src/a.py", start=2, lines=1) == "y = 3"
        assert await call("read_file", path="src/a.py", lines=1) == "x = 1\n[lines 1 to 1; go on with start=2]"
        assert (await call("list_files", folder="/workspace/src")).startswith("src/a.py  12 B  20")
        for path in ("../../secret", "/etc/passwd", "a\0b", "x" * 5000):
            for name, more in (
                ("read_file", {}),
                ("write_file", {"text": ""}),
                ("edit_file", {"old": "a", "new": "b"}),
            ):
                refused = await call(name, path=path, **more)
                assert "workspace" in refused or "printable characters" in refused
                assert len(refused) < 300


async def test_tasks_have_variables_of_their_own_and_workspaces_files(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(settings, monkeypatch) as call:
        await call("run_python", code="x = 1; open('f', 'w').write('one')")
        assert "NameError" in await call("run_python", task="b", code="x")
        assert await call("run_python", task="b", code="open('f').read()") == "=> 'one'"
        assert "FileNotFoundError" in await call("run_python", workspace="two", code="open('f').read()")
        assert "FileNotFoundError" in await call("run_python", workspace="two", code="open('../one/f').read()")
        assert await call("run_python", workspace="../one", code="1") == "the client names a workspace that is none"


async def test_sessions_are_few_and_the_model_hears_of_lost_variables(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(settings, monkeypatch) as call:
        monkeypatch.setattr(code.sessions(), "most", 2)
        mark = uuid.uuid4().hex
        await call("run_python", task="0", code=f"x = {mark!r}")
        for task in "12":
            await call("run_python", task=task, code="x = 1")
        assert len(code.sessions()._held) == 2
        lost = await call("run_python", task="0", code="x")
        assert "NameError" in lost
        assert lost.endswith("[before this run: the variables of earlier runs are lost, files are kept]")
        assert await call("run_python", task="2", code="x") == "=> 1"


async def test_an_idle_session_is_closed(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(settings, monkeypatch) as call:
        code.sessions().idle = 0.05
        await call("run_python", code="1")
        for _ in range(200):
            if not code.sessions()._held:
                break
            await asyncio.sleep(0.05)
        assert not code.sessions()._held


async def test_a_cancelled_call_stops_its_code_and_keeps_its_variables(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(settings, monkeypatch) as call:
        await call("run_python", code="kept = 42")
        mark = f"9870{uuid.uuid4().int % 10**9}"
        sleep = f"import subprocess\nsubprocess.run(['sleep', '{mark}'])"
        run = asyncio.ensure_future(call("run_python", code=sleep, seconds=60))
        await there(mark)
        number = call.session._request_id - 1
        await call.session.send_notification(
            ClientNotification(CancelledNotification(params=CancelledNotificationParams(requestId=number)))
        )
        assert await gone(mark)
        with pytest.raises(Exception, match="cancelled"):
            await run
        assert await call("run_python", code="kept") == "=> 42"


async def test_a_stopped_run_says_what_is_lost(settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(settings, monkeypatch) as call:
        await call("run_python", code="x = 1")
        hang = "import signal\nsignal.signal(2, signal.SIG_IGN)\nprint('on')\nwhile True: pass"
        assert await call("run_python", code=hang, seconds=1) == (
            "on\n[stopped after 1 s]\n[the variables of earlier runs are lost, files are kept]"
        )
        assert await call("run_shell", command="sleep 9", seconds=1) == "[stopped after 1 s]"
        info = await call("workspace_info")
        assert "Python 3." in info and "no network" in info and "matplotlib" in info


async def test_without_a_sandbox_the_tool_says_what_to_do(
    settings: SettingsFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client(settings, monkeypatch, sandbox="subprocess") as call:
        said = await call("run_python", code="1")
        assert "MEMENTO_ALLOW_UNSAFE_CODE=1" in said
    monkeypatch.setattr("tools.sandbox.jail.bubblewrap", lambda: None)
    async with client(settings, monkeypatch) as call:
        said = await call("run_python", code="1")
        assert said.startswith("no sandbox: bubblewrap is not installed; ") and "docker" in said
