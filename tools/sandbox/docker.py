"""The backend `docker`: a kernel and shell commands in containers of this machine's daemon, beside the workspace.

The `docker` command does the talking: its standard streams become the three pipes of a kernel. A container ends with
its input, so that none is left when we are gone.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from configs.errors import SandboxError
from configs.settings import Settings, environment_for_docker
from tools.sandbox.contract import Ended, Limits, Session
from tools.sandbox.session import KernelSession
from tools.workspace import MOUNT, Workspace

COMMAND_SECONDS = 30.0
NOBODY = 65534
REMEMBERED = "24h"
LATE = 0.1
"""Between these, back and ahead (in seconds), the daemon is asked what has happened."""
SCRATCH = 64 << 20
"""Bytes of /tmp in a container."""
CHOICES = "start it, or set MEMENTO_SANDBOX to another sandbox"


@dataclass(frozen=True, slots=True)
class DockerSandbox:
    """Implements `Sandbox`. `image` holds `python3` and `sh`, and is there already or can be pulled."""

    image: str
    name: str = "docker"

    async def check(self) -> str:
        """See `Sandbox`."""
        version = await _docker("version", "--format", "{{.Server.Version}}")
        await self._pull()
        shown = await _docker("run", "--rm", *_shut_in(Limits()), self.image, "python3", "-c", "print(6 * 7)")
        if shown.strip() != "42":
            raise SandboxError(
                f"docker: the image {self.image} ran nothing; name one with Python in MEMENTO_DOCKER_IMAGE"
            )
        return f"Docker {version.strip()}, image {self.image}"

    async def open(self, workspace: Workspace) -> Session:
        """See `Sandbox`."""
        await self._pull()
        await asyncio.to_thread(workspace.prepare)
        owner = await asyncio.to_thread(lambda: workspace.folder.stat().st_uid)
        return KernelSession(workspace, ContainerSpawn(self.image, str(workspace.folder), owner or NOBODY))

    async def _pull(self) -> None:
        try:
            await _docker("image", "inspect", self.image)
        except SandboxError:
            await _docker("version")  # says so where there is no daemon
            await _docker("pull", "--quiet", self.image, seconds=600)


@dataclass(frozen=True, slots=True)
class ContainerSpawn:
    """Implements `Spawn`: a container for each program. `owner`: the user id it runs as."""

    image: str
    source: str
    owner: int
    python: Sequence[str] = ("python3",)
    shell: Sequence[str] = ("/bin/sh", "-c")
    folder: str = MOUNT
    apart: bool = True
    lag: float = 0.1

    async def __call__(self, arguments: Sequence[str], limits: Limits, descriptors: Sequence[int]) -> Container:
        own = f"memento-{secrets.token_hex(8)}"
        inside = {str(outer): str(number) for number, outer in enumerate(_streams(descriptors))}
        command = ["run", "--rm", "--interactive", "--name", own, *_shut_in(limits)]
        command += ["--user", f"{self.owner}:{self.owner}", "--volume", f"{self.source}:{MOUNT}", "--workdir", MOUNT]
        given, taken, told = _streams(descriptors)
        command += [self.image, *(inside.get(each, each) for each in arguments)]
        process = await _started(command, given, taken, told)
        return Container(own, process, limits.memory)


@dataclass(slots=True)
class Container:
    """Implements `Spawned`: a container, and the `docker run` that waits for it."""

    name: str
    process: asyncio.subprocess.Process
    memory: int
    breach: Ended | None = None

    async def kill(self) -> None:
        """See `Spawned`."""
        ours = False
        if self.process.returncode is None:
            with suppress(SandboxError):  # of a container that is ending by itself
                await _docker("kill", self.name)
                ours = True
            with suppress(ProcessLookupError):
                self.process.kill()
        if await self.wait() and not ours:
            self.breach = await self._breach()

    async def limit(self, limits: Limits) -> None:
        """See `Spawned`."""
        if limits.memory == self.memory:
            return
        with suppress(SandboxError):
            memory = f"{limits.memory}b"
            await _docker("update", "--memory", memory, "--memory-swap", memory, self.name)
            self.memory = limits.memory

    async def settle(self, *, stopped: bool) -> bool:
        """The kernel ends others itself, in its namespace; nobody outside looks whether it does."""
        del stopped
        return True

    async def wait(self) -> int:
        """See `Spawned`."""
        return await self.process.wait()

    async def _breach(self) -> Ended | None:
        """Which limit ended it: the daemon remembers of a container that is gone what the kernel did to it."""
        until = f"{time.time() + LATE:.3f}"
        told = ["events", "--since", REMEMBERED, "--until", until, "--format", "{{.Action}}"]
        with suppress(SandboxError):
            if await _docker(*told, "--filter", f"container={self.name}", "--filter", "event=oom"):
                return "memory"
        return None


def _streams(descriptors: Sequence[int]) -> tuple[int, int, int]:
    """What becomes standard input, output and error of a program that was promised these descriptors."""
    if len(descriptors) == 1:
        return asyncio.subprocess.DEVNULL, descriptors[0], asyncio.subprocess.DEVNULL
    given, taken, told = descriptors
    return given, taken, told


def _shut_in(limits: Limits) -> list[str]:
    """The options that take from a container all that code in it does not need."""
    memory = f"{limits.memory}b"
    return [
        *("--network", "none", "--read-only", "--init", "--ipc", "private", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--pids-limit", str(limits.processes), "--cpus", "2"),
        *("--memory", memory, "--memory-swap", memory, "--ulimit", "core=0", "--log-driver", "none"),
        *("--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={SCRATCH}", "--label", "memento=sandbox"),  # noqa: S108  inside
        *("--env", "HOME=/tmp", "--env", "MPLBACKEND=Agg", "--env", "PYTHONDONTWRITEBYTECODE=1"),
    ]


async def _docker(*arguments: str, seconds: float = COMMAND_SECONDS) -> str:
    """What a docker command prints.

    Raises:
        SandboxError: it fails or takes too long; the message says what to do.
    """
    process = await _started([*arguments], asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE, asyncio.subprocess.PIPE)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise SandboxError(f"docker: no answer within {seconds:g} s: is the daemon well? {CHOICES}") from None
    if process.returncode != 0:
        raise SandboxError(_fault(errors.decode("utf-8", "replace")))
    return output.decode("utf-8", "replace")


async def _started(arguments: Sequence[str], given: int, taken: int, told: int) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            "docker",
            *arguments,
            stdin=given,
            stdout=taken,
            stderr=told,
            env=await asyncio.to_thread(environment_for_docker),
            start_new_session=True,
        )
    except FileNotFoundError:
        raise SandboxError(
            "docker: there is no such command: install Docker, or set MEMENTO_SANDBOX to another sandbox"
        ) from None
    except OSError as error:
        raise SandboxError(f"docker: cannot be started: {error.strerror}") from error


def _fault(said: str) -> str:
    last = said.strip().rpartition("\n")[2][:200]
    if "daemon" in last and "connect" in last.lower():
        return f"docker: no daemon answers: {CHOICES}"
    return f"docker: {last or 'failed'}"


def make(settings: Settings) -> DockerSandbox:
    """The backend that the settings describe."""
    return DockerSandbox(settings.docker_image)
