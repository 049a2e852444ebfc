"""The backend `subprocess`: no sandbox. Code runs as this user, with this user's files and network.

For machines that are a sandbox themselves. It keeps time limits and state and ends what stays in its session of
processes, it keeps secrets out of the environment, and it keeps nothing else.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from configs.errors import ConfigurationError, SandboxError
from configs.settings import Settings, environment_without_secrets
from tools.process_session import members
from tools.sandbox.contract import Ended, Limits, Session
from tools.sandbox.session import KernelSession
from tools.server_process import LAUNCHER
from tools.workspace import Workspace

SHELLS = ("/bin/bash", "/bin/sh")


@dataclass(frozen=True, slots=True)
class SubprocessSandbox:
    """Implements `Sandbox`."""

    name: str = "subprocess"

    async def check(self) -> str:
        spawn = await asyncio.to_thread(_spawn_in, Path("/"))
        process = await spawn([sys.executable, "-I", "-c", ""], Limits(), ())
        if await process.wait() != 0:
            raise SandboxError("subprocess: Python does not start")
        return f"subprocess: code runs without a sandbox, as uid {os.geteuid()}, with all of its rights"

    async def open(self, workspace: Workspace) -> Session:
        await asyncio.to_thread(workspace.prepare)
        spawn = await asyncio.to_thread(_spawn_in, workspace.folder)
        return KernelSession(workspace, spawn)


@dataclass(frozen=True, slots=True)
class PlainSpawn:
    """Implements `Spawn`: a session of processes, which die with this one."""

    folder: str
    shell: Sequence[str]
    python: Sequence[str] = (sys.executable,)
    apart: bool = False
    lag: float = 0.0

    async def __call__(self, arguments: Sequence[str], limits: Limits, descriptors: Sequence[int]) -> PlainProcess:
        command = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), *arguments]
        env = {**environment_without_secrets(), "MPLBACKEND": "Agg", "PWD": self.folder}
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=descriptors,
                cwd=self.folder,
                env=env,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"subprocess: cannot be started: {error.strerror}") from error
        _limit(process.pid, limits)
        return PlainProcess(process)


@dataclass(slots=True)
class PlainProcess:
    """Implements `Spawned`, as far as what was started has not left its session."""

    process: asyncio.subprocess.Process
    breach: Ended | None = None

    async def kill(self) -> None:
        await asyncio.to_thread(_kill, self.process.pid, itself=self.process.returncode is None)
        await self.process.wait()

    async def limit(self, limits: Limits) -> None:
        _limit(self.process.pid, limits)

    async def settle(self, *, stopped: bool) -> bool:
        del stopped
        await asyncio.to_thread(_kill, self.process.pid, itself=False)
        return True

    async def wait(self) -> int:
        return await self.process.wait()


def _kill(leader: int, *, itself: bool) -> None:
    """End the processes of a session, but its leader only where that is asked for. Blocks."""
    for pid in members(leader) or ():
        if itself or pid != leader:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _limit(pid: int, limits: Limits) -> None:
    """What the system holds for each process by itself."""
    for number, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.disk),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):
            _, hard = resource.prlimit(pid, number)
            resource.prlimit(pid, number, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _spawn_in(folder: Path) -> PlainSpawn:
    shell = next((each for each in SHELLS if Path(each).exists()), "sh")
    return PlainSpawn(str(folder), (shell, "-c"))


def make(settings: Settings) -> SubprocessSandbox:
    """The backend, for who has asked for it twice.

    Raises:
        ConfigurationError: MEMENTO_ALLOW_UNSAFE_CODE is not set.
    """
    if not settings.allow_unsafe_code:
        raise ConfigurationError(
            "MEMENTO_SANDBOX=subprocess runs code with all of your rights and no protection; if that is meant, set "
            "MEMENTO_ALLOW_UNSAFE_CODE=1 too, else choose another sandbox"
        )
    return SubprocessSandbox()
