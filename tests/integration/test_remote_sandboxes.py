"""Sandboxes that run elsewhere: a real Jupyter server, and E2B's SDK against a service with a real kernel."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from configs.errors import SandboxError
from tests.fakes.e2b_service import KEY, RunningService, e2b_service
from tools.sandbox.contract import Limits, Sandbox
from tools.sandbox.e2b import E2BSandbox
from tools.sandbox.jupyter import JupyterSandbox
from tools.workspace import Workspace

TOKEN = "a-token-of-the-tests"
SOON = Limits(seconds=20)


@pytest.fixture(scope="module")
def jupyter_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    own = [f"--port={port}", f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={TOKEN}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, *own], stdout=log, stderr=log)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api?token={TOKEN}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def service() -> Iterator[RunningService]:
    with e2b_service() as running:
        yield running


@pytest.fixture(params=["jupyter", "e2b"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    if request.param == "jupyter":
        return JupyterSandbox(request.getfixturevalue("jupyter_address"), TOKEN)
    return E2BSandbox(KEY, request.getfixturevalue("service").options)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace", 5_000_000)


async def test_it_says_what_it_is_after_it_ran_something(sandbox: Sandbox) -> None:
    assert "code runs at the service" in await sandbox.check() or "up to that server" in await sandbox.check()


async def test_state_and_files_go_on_between_runs(sandbox: Sandbox, workspace: Workspace) -> None:
    await asyncio.to_thread(workspace.write, "data/in.csv", b"a,b\n1,2\n")
    session = await sandbox.open(workspace)
    try:
        first = await session.run_python("x = 41\nprint(open('data/in.csv').read())\nx + 1", SOON)
        assert (first.ended, first.value, first.output.split()) == ("done", "42", ["a,b", "1,2"])
        second = await session.run_python("open('made/out.txt', 'w').write('hi' * x)", SOON)
        assert second.ended == "error"
        assert second.error.startswith("FileNotFoundError")
        third = await session.run_python("open('out.bin', 'wb').write(bytes(range(256)) * 8000); x", SOON)
        assert (third.value, third.files) == ("41", ("out.bin",))
        assert await asyncio.to_thread(workspace.read, "out.bin", 3_000_000) == bytes(range(256)) * 8000
        await asyncio.to_thread(workspace.write, "data/in.csv", b"changed")
        assert (await session.run_python("open('data/in.csv').read()", SOON)).value == "'changed'"
    finally:
        await session.close()


async def test_shell(sandbox: Sandbox, workspace: Workspace) -> None:
    session = await sandbox.open(workspace)
    try:
        ran = await session.run_shell("echo hello > a.txt; cat a.txt; exit 3", SOON)
        assert (ran.ended, ran.output, ran.error, ran.files) == ("error", "hello\n", "exit status 3", ("a.txt",))
        started = time.monotonic()
        ended = await session.run_shell("sleep 100 & sleep 100", Limits(seconds=1))
        assert (ended.ended, time.monotonic() - started < 15) == ("timeout", True)
        assert (await session.run_shell("cat a.txt", SOON)).output == "hello\n"
    finally:
        await session.close()


async def test_what_never_ends_is_ended_and_the_next_run_works(sandbox: Sandbox, workspace: Workspace) -> None:
    session = await sandbox.open(workspace)
    try:
        await session.run_python("x = 1; open('kept.txt', 'w').write('kept')", SOON)
        for code in ("while True: pass", "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass"):
            started = time.monotonic()
            ended = await session.run_python(code, Limits(seconds=2))
            assert (ended.ended, time.monotonic() - started < 20) == ("timeout", True)
            known = await session.run_python("'x' in globals(), open('kept.txt').read()", SOON)
            assert known.value == f"({ended.state_kept}, 'kept')"
            await session.run_python("x = 1", SOON)
    finally:
        await session.close()


async def test_a_flood_is_cut_and_counted(sandbox: Sandbox, workspace: Workspace) -> None:
    session = await sandbox.open(workspace)
    try:
        ran = await session.run_python("print('a' * 300_000 + 'end')", Limits(seconds=20, output=1000))
        assert ran.ended == "done"
        assert len(ran.output) < 1100
        assert "characters left out" in ran.output
        assert ran.output.endswith("end\n")
    finally:
        await session.close()


async def test_files_that_do_not_fit_or_lie_about_their_place_stay_there(
    sandbox: Sandbox, workspace: Workspace
) -> None:
    session = await sandbox.open(workspace)
    try:
        await session.run_python("import os; os.symlink('/etc/passwd', 'link'); open('ok', 'w').write('y')", SOON)
        ran = await session.run_python("open('big', 'wb').write(b'x' * 6_000_000)", SOON)
        assert (ran.ended, ran.files) == ("disk", ())
        assert [entry.path for entry in await asyncio.to_thread(workspace.entries)] == ["ok"]
    finally:
        await session.close()


async def test_a_listing_made_up_by_the_code_writes_nothing_outside(sandbox: Sandbox, workspace: Workspace) -> None:
    session = await sandbox.open(workspace)
    try:
        code = 'import json, os\njson.dumps = lambda found: \'{"../../stolen": [3, 1.0], "/etc/x": [3, 1.0]}\''
        await session.run_python(code, SOON)
        assert await asyncio.to_thread(lambda: list(workspace.folder.parent.rglob("*"))) == []
    finally:
        await session.close()


async def test_a_refused_token_is_told(jupyter_address: str, workspace: Workspace) -> None:
    with pytest.raises(SandboxError, match="MEMENTO_JUPYTER_TOKEN"):
        await JupyterSandbox(jupyter_address, "wrong").open(workspace)
    with pytest.raises(SandboxError, match="does it run"):
        await JupyterSandbox("http://127.0.0.1:9", TOKEN).check()
    with pytest.raises(SandboxError, match="MEMENTO_JUPYTER_URL"):
        await JupyterSandbox(None, None).check()


@pytest.mark.parametrize(
    ("status", "told"), [(401, "E2B_API_KEY"), (429, "try again later"), (500, "cannot be used now")]
)
async def test_what_the_service_refuses_is_told(
    service: RunningService, workspace: Workspace, status: int, told: str
) -> None:
    await asyncio.to_thread(service.refuse, status)
    try:
        with pytest.raises(SandboxError, match=told):
            await E2BSandbox(KEY, {**service.options, "retries": 0}).open(workspace)
    finally:
        await asyncio.to_thread(service.refuse, None)
    with pytest.raises(SandboxError, match="E2B_API_KEY"):
        await E2BSandbox(None).open(workspace)


async def test_the_machine_has_no_internet_and_is_killed(service: RunningService, workspace: Workspace) -> None:
    session = await E2BSandbox(KEY, service.options).open(workspace)
    await session.close()
    told = await asyncio.to_thread(service.told)
    assert told["created"][-1]["allow_internet_access"] is False
    assert told["killed"][-1] == f"sandbox{len(told['created'])}"


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.25)
    raise TimeoutError(address)
