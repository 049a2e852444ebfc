"""The end of a jail: nothing survives it, whoever ends; and what is said where there can be none."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from configs.errors import SandboxError
from tests.fakes.jailed import gone, marked, run
from tests.project_files import ROOT
from tools.sandbox import jail
from tools.sandbox.jail import Exit, Mount, spawn
from tools.sandbox.unprivileged import jail_uid
from tools.workspace import Workspace
from tools.workspaces import workspace

PYTHON = ["python", "-I", "-S", "-c"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


@pytest.fixture
def place(home: Path) -> Iterator[Workspace]:
    yield workspace(home, "thread", 100_000_000)
    subprocess.run(["/bin/rm", "-rf", str(home)], check=True)  # nested deeper than Python's rmtree goes


def make_program(path: Path, commands: str) -> None:
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)


async def test_endless_output_is_read_as_slowly_as_we_like_and_then_ended(place: Workspace) -> None:
    await asyncio.to_thread(place.prepare)
    async with await spawn(["yes"], mounts=[Mount(place.folder, "/workspace", True)]) as process:
        assert (await process.stdout.read(100_000)).startswith(b"y\ny\n")
        ended = await process.kill()
    assert ended.gone
    assert process.ended == "died"


async def test_a_daemon_that_was_left_behind_ends_with_the_command(place: Workspace) -> None:
    marker = f"memento-daemon-{time.monotonic_ns()}"
    code = (
        "import os, sys, time, signal\n"
        "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    signal.signal(15, signal.SIG_IGN)\n"
        "    time.sleep(1000)\n  os._exit(0)\ntime.sleep(0.2)"
    )
    ran = await run([*PYTHON, code, marker], place)
    assert ran.exit == Exit(0, "done", True)
    assert await asyncio.to_thread(gone, marker)


async def test_an_interrupt_reaches_the_command_and_leaves_it_running(place: Workspace) -> None:
    code = (
        "import time\ntry: print('begun', flush=True); time.sleep(1000)\nexcept KeyboardInterrupt: "
        "print('interrupted', flush=True)\nprint(input())"
    )
    async with await spawn([*PYTHON, code]) as process:
        assert await process.stdout.readline() == b"begun\n"
        await process.interrupt()
        assert await process.stdout.readline() == b"interrupted\n"
        process.stdin.write(b"still here\n")
        assert await process.stdout.readline() == b"still here\n"
        assert await process.wait() == Exit(0, "done", True)


async def test_an_interrupt_reaches_it_also_where_we_ignore_ours(place: Workspace) -> None:
    """As a server does that a shell has started in the background."""
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = await spawn([*PYTHON, "import time; print('begun', flush=True); time.sleep(1000)"])
    finally:
        signal.signal(signal.SIGINT, ours)
    async with process:
        assert await process.stdout.readline() == b"begun\n"
        await process.interrupt()
        assert (await process.wait()).ended == "error"


HOST = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tools.sandbox.jail import spawn
async def main():
    process = await spawn(["sh", "-c", "trap '' INT TERM HUP; (setsid sleep 1000 &); echo up; sleep 1000; : {marker}"])
    print(process.pid, (await process.stdout.readline()).decode(), flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


def test_nothing_survives_a_host_that_is_killed() -> None:
    marker = f"memento-orphan-{time.monotonic_ns()}"
    program = HOST.format(root=str(ROOT), marker=marker)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        first = int(host.stdout.readline().split()[0])
        assert marked(marker)
        host.kill()
    assert gone(marker, first)


async def test_nothing_survives_a_supervisor_that_is_killed(place: Workspace) -> None:
    marker = f"memento-supervised-{time.monotonic_ns()}"
    process = await spawn(["sh", "-c", f"(setsid sleep 1000 &) ; echo up; sleep 1000; : {marker}"])
    assert await process.stdout.readline() == b"up\n"
    process._supervisor.kill()
    assert (await process.wait()).ended == "died"
    assert await asyncio.to_thread(gone, marker, process.pid)
    await process.kill()


async def test_the_line_about_it_names_version_and_user() -> None:
    line = await jail.check()
    assert line.startswith("bubblewrap 0.")
    assert line.endswith(f"as uid {jail_uid()}")


async def test_a_bubblewrap_of_the_path_or_the_current_folder_is_not_run(
    place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, await asyncio.to_thread(Path.cwd)):
        await asyncio.to_thread(make_program, folder / "bwrap", f"touch {tmp_path}/ran")
    monkeypatch.setenv("PATH", f".:{tmp_path}:{os.environ['PATH']}")
    assert (await run(["echo", "hello"], place)).out == "hello\n"
    assert not await asyncio.to_thread((tmp_path / "ran").exists)


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (None, "bubblewrap is not installed"),
        ("/bin/false", "bubblewrap does not work here"),
        ("bwrap: setting up uid map: Permission denied", "setting up uid map: Permission denied"),
    ],
)
async def test_without_a_bubblewrap_that_works_it_refuses_and_names_the_choices(
    program: str | None, cause: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Path("/var/tmp") / f"memento-bwrap-{os.getpid()}-{time.monotonic_ns()}"  # where any user may run it
    await asyncio.to_thread(make_program, broken, f"echo '{program}' >&2; exit 1")
    request.addfinalizer(broken.unlink)
    if program and not program.startswith("/"):
        program = str(broken)
    monkeypatch.setattr(jail, "bubblewrap", lambda: program)
    with pytest.raises(SandboxError) as caught:
        await spawn(["true"])
    for part in (cause, "install bubblewrap", "user namespaces", "docker", "e2b", "jupyter", "memento doctor"):
        assert part in str(caught.value)
    assert "UNSAFE" not in str(caught.value) and "\n" not in str(caught.value)  # a model reads it
    with pytest.raises(SandboxError, match=r"install bubblewrap.*; .*MEMENTO_ALLOW_UNSAFE_CODE=1$"):
        await jail.check()


async def test_where_only_a_folder_is_wrong_nothing_is_to_be_installed(tmp_path: Path) -> None:
    place = tmp_path / "of-the-host"
    await asyncio.to_thread(place.mkdir)
    with pytest.raises(SandboxError) as caught:
        await spawn(["true"], mounts=[jail.Mount(place, "/workspace")], cwd="/workspace/missing")
    assert "chdir" in str(caught.value)
    assert "install" not in str(caught.value) and str(tmp_path) not in str(caught.value)


async def test_a_start_that_is_cancelled_leaves_no_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
    start = asyncio.create_subprocess_exec

    async def noted(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*arguments, **options)
        begun.put_nowait(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    starting = asyncio.ensure_future(spawn(["sleep", "1000"]))
    process = await begun.get()
    await asyncio.sleep(0)  # it waits for the supervisor's answer now
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert process.returncode is not None
