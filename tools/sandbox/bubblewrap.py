"""The backend `bubblewrap`: a kernel and shell commands in jails (jail.py), beside the workspace and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.settings import Settings
from tools.sandbox import jail
from tools.sandbox.contract import Ended, Limits, Session
from tools.sandbox.session import KernelSession
from tools.sandbox.spawning import MAX_THREADS
from tools.workspace import MOUNT, Workspace

ROOM = 64 << 20
"""Bytes on disk beyond the quota until the jail is ended from outside: of folders, and for a run that frees some."""
ENVIRONMENT = {
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108  inside the jail
    "OPENBLAS_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "PWD": MOUNT,
}
LATE = 0.7
"""Seconds beyond a run's own after which its supervisor ends it, should we be stopped or busy."""
SHELLS = ("/bin/bash", "/bin/sh")


@dataclass(frozen=True, slots=True)
class BubblewrapSandbox:
    """Implements `Sandbox`."""

    name: str = "bubblewrap"

    async def check(self) -> str:
        return await jail.check()

    async def open(self, workspace: Workspace) -> Session:
        await asyncio.to_thread(workspace.prepare)
        return KernelSession(workspace, await asyncio.to_thread(_spawn_beside, workspace))


@dataclass(frozen=True, slots=True)
class JailSpawn:
    """Implements `Spawn`."""

    workspace: Path
    shell: Sequence[str]
    python: Sequence[str] = ("python",)
    folder: str = MOUNT
    apart: bool = True
    lag: float = 0.0

    async def __call__(self, arguments: Sequence[str], limits: Limits, descriptors: Sequence[int]) -> JailedProgram:
        process = await jail.spawn(
            arguments,
            mounts=[jail.Mount(self.workspace, MOUNT, writable=True)],
            env=ENVIRONMENT,
            limits=_with_room(limits),
            cwd=MOUNT,
            seconds=limits.seconds + LATE,
            fds=descriptors,
        )
        process.stdin.close()
        return JailedProgram(process)


@dataclass(slots=True)
class JailedProgram:
    """Implements `Spawned`."""

    process: jail.JailedProcess

    async def kill(self) -> None:
        await self.process.kill()

    async def limit(self, limits: Limits) -> None:
        await self.process.limit(_with_room(limits), limits.seconds + LATE)

    async def settle(self, *, stopped: bool) -> bool:
        return await self.process.settle(threads=MAX_THREADS, idle=stopped)

    async def wait(self) -> int:
        code = (await self.process.wait()).code
        return -9 if code is None else code

    @property
    def breach(self) -> Ended | None:
        ended = self.process.ended
        return ended if ended in ("memory", "disk", "processes", "timeout") else None


def _with_room(limits: Limits) -> Limits:
    return replace(limits, disk=limits.disk + ROOM)


def _spawn_beside(workspace: Workspace) -> JailSpawn:
    shell = next((each for each in SHELLS if Path(each).exists()), "/bin/sh")
    return JailSpawn(workspace.folder, (shell, "-c"))


def make(settings: Settings) -> BubblewrapSandbox:
    """The backend that the settings describe."""
    del settings
    return BubblewrapSandbox()
