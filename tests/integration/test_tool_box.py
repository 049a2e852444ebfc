"""The ToolBox against servers that break every rule, each a real process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ToolCallError, ToolServerError
from tests.fakes.mcp_servers.raw import PICTURE
from tests.fakes.mcp_servers.running import FAKES, RAW, by_name, configured, gone_within, raw
from tools.client import ToolBox, open_tools
from tools.mcp_config import load_servers

PIXELS = base64.b64decode(PICTURE)


async def test_nothing_starts_before_the_first_use(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        assert box.failures() == {}
        assert not await asyncio.to_thread((home / "logs").exists)
    with pytest.raises(ToolServerError, match="closed"):
        await box.tools()


async def test_failing_servers_leave_the_others_alone(home: Path) -> None:
    servers = {
        "good": raw(),
        "no-command": {"command": "no-such-command-anywhere"},
        "no-folder": raw(cwd="nowhere"),
        "exits": raw("exit"),
        "hangs": raw("hang"),
        "floods": raw("flood"),
        "keyless": raw(env={"KEY": "${NO_SUCH_VARIABLE_HERE}"}),
        "remote": {"url": f"http://127.0.0.1:{free_port()}/mcp"},
        "not-executable": {"command": RAW},
    }
    settings = await configured(home, servers)
    box = ToolBox(await asyncio.to_thread(load_servers, settings), settings, start_timeout=3)
    started = time.monotonic()
    try:
        assert await (await by_name(box))["echo"].ainvoke({"text": "hi"}) == "echo: hi"
        failures = box.failures()
    finally:
        await box.aclose()
    assert time.monotonic() - started < 12
    assert set(failures) == set(servers) - {"good"}
    assert failures["no-command"] == "cannot be started: no command 'no-such-command-anywhere'"
    assert failures["no-folder"].startswith("cannot be started: no folder ")
    assert failures["exits"] == "exited with code 3; it last said: KeyError: 'TOWN_KEY'"
    assert failures["hangs"] == "did not start within 3 s"
    assert failures["floods"] == "wrote too much that is not MCP to its standard output"
    assert failures["keyless"] == "needs the environment variable NO_SUCH_VARIABLE_HERE, which is not set"
    assert all("\n" not in line for line in failures.values())


async def test_results_become_clean_text(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        tools = await by_name(box)
        assert await tools["picture"].ainvoke({}) == "[image/png, 12 kB, saved as image.png]"
        assert await tools["structured"].ainvoke({}) == '{"town":"Köln","people":2}'
        assert await tools["parts"].ainvoke({}) == (
            "one\n[image/png, 12 kB, saved as image-2.png]\n[audio/wav, 3 B, saved as audio.wav]\n"
            "[paper: https://example.org/a]\ninside\n[application/zip, 3 B, file:///a.bin, saved as a.bin]"
        )
        saved = await asyncio.to_thread(_contents, home / "workspaces" / "default")
        assert saved == {"image.png": PIXELS, "image-2.png": PIXELS, "audio.wav": b"ABC", "a.bin": b"ABC"}
        large = await tools["large"].ainvoke({})
        assert large.endswith("y\n[cut here; 2000000 characters in all]")
        assert len(large) < 1_000_100
        with pytest.raises(ToolCallError, match=r"\Ano such town\Z"):
            await tools["fail"].ainvoke({})
        with pytest.raises(ToolServerError, match="outside the protocol"):
            await tools["wrong_shape"].ainvoke({})
        message = await tools["echo"].ainvoke({"type": "tool_call", "id": "1", "name": "echo", "args": {"text": 5}})
        assert (message.content, message.tool_call_id) == ("echo: 5", "1")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_annotations_and_schemas_are_kept(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        die = (await by_name(box))["die"]
    assert die.metadata == {"readOnlyHint": False, "destructiveHint": True, "server": "raw", "tool": "die"}
    assert die.args_schema == {"type": "object", "properties": {"text": {"type": "string", "title": "Text"}}}


async def test_shared_names_are_prefixed_with_the_server(home: Path) -> None:
    async with open_tools(await configured(home, {"one": raw(), "my two": raw()})) as box:
        tools = await by_name(box)
        assert {"one_echo", "my_two_echo"} <= set(tools)
        assert "echo" not in tools
        first, second = [await tools[name].ainvoke({}) for name in ("one_process", "my_two_process")]
    assert first != second


async def test_garbage_on_standard_output_is_passed_over(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with open_tools(await configured(home, {"raw": raw("garbage")})) as box:
        assert await (await by_name(box))["echo"].ainvoke({"text": "still"}) == "echo: still"
    assert capfd.readouterr() == ("", "")


async def test_standard_error_goes_to_a_bounded_private_log(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = home / "logs" / "mcp-raw.log"
    for _ in range(2):
        async with open_tools(await configured(home, {"raw": raw()})) as box:
            await (await by_name(box))["noise"].ainvoke({})
        text, mode = await asyncio.to_thread(lambda: (log.read_bytes(), log.stat().st_mode))
        assert text.startswith(b"noise noise")
        assert len(text) == 1_000_000
        assert mode & 0o777 == 0o600
    assert await asyncio.to_thread(Path(f"{log}.1").exists)
    assert capfd.readouterr() == ("", "")


async def test_a_server_that_died_is_started_again_at_the_next_call(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        tools = await by_name(box)
        first = await tools["process"].ainvoke({})
        waiting = asyncio.ensure_future(tools["wait"].ainvoke({}))
        await asyncio.sleep(0.1)
        with pytest.raises(ToolServerError, match=r"\Atool server 'raw' exited with code 7\Z"):
            await tools["die"].ainvoke({})
        with pytest.raises(ToolServerError, match="exited with code 7"):
            await waiting
        second = await tools["process"].ainvoke({})
        os.kill(int(second), signal.SIGKILL)
        assert await asyncio.to_thread(gone_within, int(second), 2)
        await asyncio.sleep(0.2)
        third = await tools["process"].ainvoke({})
    assert len({first, second, third}) == 3


async def test_a_server_that_cannot_be_started_again_says_so_without_details(home: Path, tmp_path: Path) -> None:
    script = Path(await asyncio.to_thread(shutil.copy, RAW, tmp_path / "raw.py"))
    async with open_tools(await configured(home, {"raw": raw() | {"args": [str(script)]}})) as box:
        tools = await by_name(box)
        await asyncio.to_thread(script.unlink)
        with pytest.raises(ToolServerError, match="exited with code 7"):
            await tools["die"].ainvoke({})
        with pytest.raises(ToolServerError, match=r"\Atool server 'raw' cannot be started again\Z"):
            await tools["echo"].ainvoke({})


async def test_a_message_of_50_mb_ends_the_session_and_nothing_else(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        tools = await by_name(box)
        started = time.monotonic()
        with pytest.raises(ToolServerError, match="more than 20 MB"):
            await tools["big"].ainvoke({})
        assert time.monotonic() - started < 5
        assert await tools["echo"].ainvoke({"text": "on"}) == "echo: on"


async def test_a_hanging_call_ends_and_a_wedged_server_is_replaced(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()}, tool_timeout=0.5)) as box:
        tools = await by_name(box)
        first = int(await tools["process"].ainvoke({}))
        with pytest.raises(ToolServerError, match=r"gave no answer within 0\.5 s"):
            await tools["wait"].ainvoke({})
        assert int(await tools["process"].ainvoke({})) == first  # it still answers, so it stays
        with pytest.raises(ToolServerError, match="gave no answer"):
            await tools["wedge"].ainvoke({})
        assert int(await tools["process"].ainvoke({})) != first
        assert await asyncio.to_thread(gone_within, first, 0)


async def test_cancelling_the_caller_cancels_the_call(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        tools = await by_name(box)
        call = asyncio.ensure_future(tools["wait"].ainvoke({}))
        await asyncio.sleep(0.2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert len(json.loads(await tools["cancelled"].ainvoke({}))) == 1


async def test_processes_that_a_cancelled_call_leaves_behind_are_ended(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:
        tools = await by_name(box)
        server = int(await tools["process"].ainvoke({}))
        others = asyncio.ensure_future(tools["wait"].ainvoke({}))
        call = asyncio.ensure_future(tools["wait_child"].ainvoke({}))
        await asyncio.sleep(0.2)
        (child,) = json.loads(await tools["children"].ainvoke({}))
        call.cancel()
        assert not await asyncio.to_thread(gone_within, child, 1.5), "it was ended under another call"
        others.cancel()
        assert await asyncio.to_thread(gone_within, child, 5)
        assert int(await tools["process"].ainvoke({})) != server


async def test_several_event_loops_at_once(home: Path) -> None:
    async with open_tools(await configured(home, {"raw": raw()})) as box:

        async def work(prefix: str) -> list[str]:
            echo = (await by_name(box))["echo"]
            return list(await asyncio.gather(*(echo.ainvoke({"text": f"{prefix}{n}"}) for n in range(20))))

        others = [asyncio.to_thread(asyncio.run, work(prefix)) for prefix in ("a", "b")]
        results = await asyncio.gather(work("c"), *others)
    assert results == [[f"echo: {prefix}{n}" for n in range(20)] for prefix in ("c", "a", "b")]


async def test_no_secret_reaches_a_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("TOWN_KEY", "its-own")
    async with open_tools(await configured(home, {"raw": raw(env={"KEY": "Bearer ${TOWN_KEY}"})})) as box:
        environment = json.loads(await (await by_name(box))["environment"].ainvoke({}))
    assert "sk-canary" not in json.dumps(environment)
    assert environment["KEY"] == "Bearer its-own"
    assert "TOWN_KEY" not in environment


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["streamable-http", "sse"])
def remote(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A FastMCP server at an address, as its entry in an mcp.json."""
    port = free_port()
    command = [sys.executable, str(FAKES / "over_http.py"), str(port), request.param]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        for _ in range(1200):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        path = "sse" if request.param == "sse" else "mcp"
        kind = {"type": "sse"} if request.param == "sse" else {}
        yield {"url": f"http://127.0.0.1:{port}/{path}", **kind}
        server.kill()


async def test_servers_at_an_address(home: Path, remote: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWN_KEY", "k")
    entry = {**remote, "headers": {"Authorization": "Bearer ${TOWN_KEY}"}}
    async with open_tools(await configured(home, {"remote": entry})) as box:
        tools = await by_name(box)
        assert box.failures() == {}
        assert await tools["who"].ainvoke({}) == "Bearer k"
        started = time.monotonic()
        with pytest.raises(ToolServerError, match=r"\Atool server 'remote' sent a message of more than 20 MB\Z"):
            await tools["big"].ainvoke({})
        assert time.monotonic() - started < 30
        monkeypatch.setattr("tools.server_process.MAX_AHEAD", 300)
        assert await tools["chatter"].ainvoke({"lines": 100}) == "done"
        with pytest.raises(ToolServerError, match="sent more messages than anybody asked for"):
            await tools["chatter"].ainvoke({"lines": 3000})
