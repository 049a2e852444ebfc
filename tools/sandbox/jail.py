"""Runs a command in a jail: bubblewrap, no network, nothing of this machine but Python and what is mounted.

The way of a command: `spawn` starts a supervisor (supervisor.py), that drops root (unprivileged.py) and starts
bubblewrap (jail_command.py) with a filter of system calls (seccomp.py), and that starts inside.py, which sets limits
and becomes the command. The supervisor watches (watchdog.py, cgroups.py) and ends the jail when this process is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.errors import SandboxError
from tools.sandbox.contract import Limits
from tools.sandbox.jail_command import LAUNCHER, Mount, bubblewrap
from tools.sandbox.jailed_process import Exit, JailedProcess, StartError, limits_told
from tools.sandbox.python_mounts import python_mounts
from tools.sandbox.seccomp import ARCHITECTURES
from tools.sandbox.unprivileged import jail_uid

__all__ = ["CHOICES", "Exit", "JailedProcess", "Mount", "check", "spawn"]

CHOICES = (
    "install bubblewrap 0.8 or later (apt install bubblewrap) and allow user namespaces, or set "
    "MEMENTO_SANDBOX=docker, e2b or jupyter; `memento doctor` names every choice"
)
"""What a tool's result says, which a model reads."""
UNSAFE = (
    "one more choice, with this user's rights and no protection, is MEMENTO_SANDBOX=subprocess together with "
    "MEMENTO_ALLOW_UNSAFE_CODE=1"
)
"""What only the operator is told."""
ROOT = Path(__file__).parents[2]
INSIDE = Path(__file__).with_name("inside.py")
START = "import sys; sys.path.insert(0, {root!r}); from tools.sandbox.supervisor import main; main({control})"


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
        SandboxError: there is no bubblewrap or it does not work, and the message names the cause and the choices;
            or it works, but not with what is to be mounted.
    """
    order = await asyncio.to_thread(_order, argv, mounts, env or {}, limits or Limits(), cwd)
    order |= {"seconds": seconds, "fds": list(fds), "init": init}
    try:
        return await _spawn(order)
    except StartError as error:
        cause = str(error)
    if not await _works():
        raise no_sandbox(f"bubblewrap does not work here: {cause}")
    for mount in mounts:
        cause = cause.replace(str(mount.source), mount.target)
    raise SandboxError(f"the sandbox works, but not with these files and folders: {cause}")


async def _spawn(order: Mapping[str, Any]) -> JailedProcess:
    fds = order["fds"]
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
    connecting = asyncio.ensure_future(asyncio.open_unix_connection(sock=ours))
    try:
        jailed = JailedProcess(supervisor, *await asyncio.shield(connecting))
        await jailed.begin(order)
    except asyncio.CancelledError:
        await asyncio.shield(JailedProcess(supervisor, *await connecting).abandon())
        raise
    return jailed


async def _works() -> bool:
    """Whether a program runs in a jail that shows nothing but Python."""
    order = await asyncio.to_thread(_order, ["sh", "-c", "exec true"], (), {}, Limits(), "/tmp")  # noqa: S108
    try:
        async with await _spawn({**order, "seconds": 20, "fds": [], "init": False}) as process:
            return (await process.wait()).ended == "done"
    except StartError:
        return False


async def check() -> str:
    """One line on the jail, such as `bubblewrap 0.8.0, as uid 61000`, after a program ran in it.

    Raises:
        SandboxError: as `spawn`, with every choice; for the operator.
    """
    try:
        async with await spawn(["sh", "-c", "exec true"], seconds=20) as process:
            result = await process.wait()
        if result.ended != "done":
            raise no_sandbox(f"a program in bubblewrap ended with status {result.code}")
    except SandboxError as error:
        raise SandboxError(f"{error}; {UNSAFE}") from None
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
        "limits": limits_told(limits),
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


def _version() -> str:
    import subprocess

    program = bubblewrap()
    if program is None:
        raise no_sandbox("bubblewrap is not installed")
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    return asked.stdout.strip()
