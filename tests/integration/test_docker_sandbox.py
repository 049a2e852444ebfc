"""The backend `docker` over a daemon of the tests' own: what every sandbox promises, and what a container shuts in."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from configs.errors import SandboxError
from tests.contracts.test_sandboxes import (  # noqa: F401  collected here too, with the fixtures of this file
    test_a_limit_of_two_seconds_ends_everything_within_three,
    test_a_long_value_is_cut,
    test_a_run_that_is_cancelled_is_interrupted,
    test_a_session_keeps_variables_and_tells_the_last_value,
    test_a_shell_command_tells_output_and_status,
    test_all_output_counts_in_its_order,
    test_an_error_is_told_with_the_codes_own_lines,
    test_code_that_attacks_the_kernel_harms_only_itself,
    test_code_that_obeys_is_interrupted_and_keeps_its_variables,
    test_files_that_a_run_made_or_changed_are_named,
    test_the_end_of_python_loses_variables_and_nothing_else,
    test_too_much_disk_is_stopped_and_taken_back,
    test_what_is_left_running_is_ended_with_the_run,
)
from tests.fakes.docker_daemon import IMAGE, docker_daemon, why_not
from tests.fakes.sandboxes import LIMITS, QUOTA, check_usable
from tools.sandbox.contract import Session
from tools.sandbox.docker import DockerSandbox
from tools.workspace import Workspace
from tools.workspaces import workspace

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(why_not() is not None, reason=f"no Docker daemon can be started: {why_not()}"),
]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_daemon(tmp_path_factory.mktemp("docker")) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(daemon: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Session, Workspace]]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    space = await asyncio.to_thread(workspace, home, "task", QUOTA)
    session = await DockerSandbox(IMAGE).open(space)
    yield session, space
    await session.close()
    assert await asyncio.to_thread(_containers, daemon) == ""


@pytest.fixture
def session(sandbox: tuple[Session, Workspace]) -> Session:
    return sandbox[0]


@pytest.fixture
def space(sandbox: tuple[Session, Workspace]) -> Workspace:
    return sandbox[1]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import socket; socket.create_connection(('1.1.1.1', 53), 2)", "unreachable"),
        ("open('/etc/memento', 'w')", "Read-only"),
        ("open('/proc/sys/kernel/core_pattern', 'w')", "Read-only|Permission"),
        ("open('/dev/mem', 'rb')", "No such file|not permitted"),
        ("import os; os.setuid(0)", "not permitted"),
        ("import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
         "if c.mount(b'none', b'/mnt', b'tmpfs', 0, None): raise OSError(ctypes.get_errno(), 'refused')", "refused"),
        ("import os\nwhile True: os.fork() or __import__('time').sleep(60)", "unavailable"),
        ("open('/tmp/big', 'wb').write(b'x' * 100_000_000)", "No space"),
    ],
)  # fmt: skip
async def test_what_a_container_shuts_in(session: Session, code: str, told: str) -> None:
    found = await session.run_python(code, replace(LIMITS, seconds=10))
    assert found.ended == "error"
    assert any(each in found.error for each in told.split("|")), found
    await session.run_shell("rm -f /tmp/big", LIMITS)
    await check_usable(session)


async def test_too_much_memory_is_told_as_such(session: Session) -> None:
    for found in (
        await session.run_python("x = bytearray(3 << 30)", LIMITS),
        await session.run_shell("python3 -c 'x = bytearray(3 << 30)'", LIMITS),
    ):
        assert found.ended == "memory"
        assert found.error == "stopped: it needs more than 419 MB of memory"
    await check_usable(session)
    killed = await session.run_python("import os; os.kill(os.getpid(), 9)", LIMITS)
    assert killed.ended == "died"
    await check_usable(session)


async def test_it_says_what_it_is_and_what_is_missing(daemon: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await DockerSandbox(IMAGE).check()).endswith(f"image {IMAGE}")
    with pytest.raises(SandboxError, match="docker: "):
        await DockerSandbox("memento-tests/none:1").check()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/socket")
    with pytest.raises(SandboxError, match="no daemon answers: start it, or set MEMENTO_SANDBOX"):
        await DockerSandbox(IMAGE).check()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="install Docker"):
        await DockerSandbox(IMAGE).check()


def _containers(address: str) -> str:
    """Names of the containers that are left, after a moment for those that are ending."""
    command = ["docker", "-H", address, "ps", "--all", "--quiet"]
    left = ""
    for _ in range(40):
        left = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
        if not left:
            break
        time.sleep(0.25)
    return left
