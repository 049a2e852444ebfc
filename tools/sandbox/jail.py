"""Runs a command in a jail: bubblewrap, no network, nothing of this machine but Python and what is mounted.

The way of a command: `spawn` starts a supervisor (supervisor.py), that drops root (unprivileged.py) and starts
bubblewrap (jail_command.py) with a filter of system calls (seccomp.py), and that starts inside.py, which sets limits
and becomes the command. The supervisor watches (watchdog.py, cgroups.py) and ends the jail when this process is gone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from configs.errors import SandboxError
from tools.sandbox.contract import Ended, Limits
from tools.sandbox.jail_command import LAUNCHER, Mount, bubblewrap
from tools.sandbox.python_mounts import python_mounts
from tools.sandbox.seccomp import ARCHITECTURES
from tools.sandbox.unprivileged import jail_uid

__all__ = ["CHOICES", "Exit", "JailedProcess", "Mount", "check", "spawn"]

CHOICES = (
    "install bubblewrap 0.8 or later (apt install bubblewrap) and allow user namespaces, or set "
    "MEMENTO_SANDBOX=docker or e2b, or, with this user's rights and no protection, MEMENTO_SANDBOX=subprocess together "
    "with MEMENTO_ALLOW_UNSAFE_CODE=1"
)
ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).with_name("inside.py")
START = "import sys; sys.path.insert(0, {root!r}); from tools.sandbox.supervisor import main; main({control})"
REASONS: dict[str, Ended] = {"memory": "memory", "processes": "processes", "disk": "disk", "timeout": "timeout"}
GRACE = 8.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a jail ended.

    Attributes:
        code: the command's exit status, as a shell tells it (128 + signal); None where nobody could tell.
        ended: `done`, `error` (another status than 0), the limit that it was stopped at, or `died` (killed by us).
        gone: that no process of it is left was seen.
    """

    code: int | None
    ended: Ended
    gone: bool


class JailedProcess:
    """A command in a jail: its streams, and what can be done to it. `async with` kills it at the end."""

    def __init__(
        self, supervisor: asyncio.subprocess.Process, answers: asyncio.StreamReader, orders: asyncio.StreamWriter
    ) -> None:
        assert supervisor.stdin and supervisor.stdout and supervisor.stderr  # noqa: S101  opened with pipes
        self.stdin = supervisor.stdin
        self.stdout = supervisor.stdout
        self.stderr = supervisor.stderr
        self.pid = 0
        """Process 1 of the jail, as this machine numbers it."""
        self._supervisor = supervisor
        self._answers = answers
        self._orders = orders
        self._exit: asyncio.Task[Exit] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def ended(self) -> Ended | None:
        """Why it has ended; None while it runs."""
        return self._exit.result().ended if self._exit is not None and self._exit.done() else None

    async def wait(self) -> Exit:
        """Until no process of the jail is left. Read `stdout` and `stderr` meanwhile, or a full pipe holds it up."""
        assert self._exit is not None  # noqa: S101  set before `spawn` hands it out
        return await asyncio.shield(self._exit)

    async def interrupt(self) -> None:
        """SIGINT to the command and its process group, as Ctrl-C would; it may ignore it."""
        await self._order({"do": "interrupt"})

    async def limit(self, limits: Limits) -> None:
        """Other limits from now on, of memory, processes and disk; those of a single process stay."""
        await self._order({"do": "limits", "limits": _limits(limits)})

    async def kill(self) -> Exit:
        """End every process of the jail and wait until they are gone; idempotent."""
        await self._order({"do": "kill"})
        try:
            async with asyncio.timeout(GRACE):
                return await self.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._supervisor.kill()  # bubblewrap dies with it
            return await self.wait()
        finally:
            await self._let_go()

    async def _order(self, order: Mapping[str, Any]) -> None:
        with suppress(ConnectionError, RuntimeError):
            self._orders.write(json.dumps(order).encode() + b"\n")
            await self._orders.drain()

    async def begin(self, order: Mapping[str, Any]) -> None:
        """Send the first message and wait until the command runs; `spawn` does it.

        Raises:
            SandboxError: it does not start.
        """
        await self._order(order)
        answer = await self._answer()
        if "started" not in answer:
            said = (await self.stderr.read()).decode(errors="replace").strip().splitlines()
            self._orders.close()
            await self._let_go()
            cause = answer.get("failed") or (said[-1] if said else "its supervisor died")
            raise no_sandbox(f"bubblewrap does not work here: {cause}")
        self.pid = answer["started"]
        self._exit = asyncio.create_task(self._ending())

    async def _ending(self) -> Exit:
        told = (await self._answer()).get("ended")
        with suppress(ConnectionError):
            await self._answers.read()  # to the end, which comes when the supervisor has cleared up
        self._orders.close()
        if told is None:
            return Exit(None, "died", False)
        ended: Ended = REASONS.get(told["reason"], "died") if told["reason"] else "error" if told["code"] else "done"
        return Exit(told["code"], ended, told["gone"])

    async def _let_go(self) -> None:
        """Wait for the supervisor, then close its pipes: asyncio's own `wait` needs somebody who reads them empty."""
        for _ in range(500):
            if self._supervisor.returncode is not None:
                break
            await asyncio.sleep(0.01)
        self._supervisor._transport.close()  # type: ignore[attr-defined]

    async def _answer(self) -> dict[str, Any]:
        with suppress(ConnectionError, ValueError):
            answer: dict[str, Any] = json.loads(await self._answers.readline() or b"{}")
            return answer
        return {}


async def spawn(
    argv: Sequence[str],
    *,
    mounts: Sequence[Mount] = (),
    env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    cwd: str = "/tmp",  # noqa: S108  inside the jail
    seconds: float | None = None,
    fds: Sequence[int] = (),
    init: bool = False,
) -> JailedProcess:
    """Start a command in a jail of its own. Linux only.

    Args:
        argv: found by PATH inside, where `python` is this environment's.
        mounts: what it sees beside /usr and this Python; writable ones count for `limits.disk`.
        env: beside PATH, HOME, LANG and TMPDIR, which are set and may be replaced.
        limits: of all processes together; `output` and `seconds` are not looked at.
        cwd: inside.
        seconds: after which everything is killed; None: not.
        fds: open descriptors that it gets under the same numbers.
        init: run it as process 1, which nobody inside can kill, but which must wait for orphans itself.

    Raises:
        SandboxError: there is no bubblewrap or it does not work; the message names the cause and the choices.
    """
    order = await asyncio.to_thread(_order, argv, mounts, env or {}, limits or Limits(), cwd)
    order |= {"seconds": seconds, "fds": list(fds), "init": init}
    ours, theirs = socket.socketpair()
    try:
        supervisor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-c", START.format(root=str(ROOT), control=theirs.fileno())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=[theirs.fileno(), *fds],
            env={},
            cwd="/",
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    jailed = JailedProcess(supervisor, *await asyncio.open_unix_connection(sock=ours))
    await jailed.begin(order)
    return jailed


async def check() -> str:
    """One line on the jail, such as `bubblewrap 0.8.0, as uid 61000`, after a program ran in it.

    Raises:
        SandboxError: as `spawn`.
    """
    async with await spawn(["sh", "-c", "exec true"], seconds=20) as process:
        result = await process.wait()
    if result.ended != "done":
        raise no_sandbox(f"a program in bubblewrap ended with status {result.code}")
    version = await asyncio.to_thread(_version)
    return f"{version}, as uid {jail_uid()}"


def no_sandbox(cause: str) -> SandboxError:
    """The error for a machine without a working jail: the cause and what can be done."""
    return SandboxError(f"no sandbox: {cause}; {CHOICES}")


def _order(
    argv: Sequence[str], mounts: Sequence[Mount], env: Mapping[str, str], limits: Limits, cwd: str
) -> dict[str, Any]:
    """The supervisor's first message."""
    if sys.platform != "linux":
        raise no_sandbox("bubblewrap is for Linux")
    if os.uname().machine not in ARCHITECTURES:
        raise no_sandbox(f"there is no filter of system calls for {os.uname().machine}")
    program = bubblewrap()
    if program is None:
        raise no_sandbox("bubblewrap is not installed")
    python, shown = python_mounts()
    every = [*shown, Mount(INSIDE, LAUNCHER), *mounts]
    return {
        "argv": list(argv),
        "bubblewrap": program,
        "python": python,
        "mounts": [(str(each.source), each.target, each.writable) for each in every],
        "watched": [str(each.source) for each in mounts if each.writable],
        "env": _environment(python) | dict(env),
        "limits": _limits(limits),
        "cwd": cwd,
        "uid": jail_uid(),
    }


def _environment(python: str) -> dict[str, str]:
    return {
        "PATH": f"{Path(python).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108  inside the jail
        "TMPDIR": "/tmp",  # noqa: S108  inside the jail
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _limits(limits: Limits) -> dict[str, int]:
    return {"memory": limits.memory, "processes": limits.processes, "disk": limits.disk}


def _version() -> str:
    import subprocess

    program = bubblewrap()
    if program is None:
        raise no_sandbox("bubblewrap is not installed")
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    return asked.stdout.strip()
