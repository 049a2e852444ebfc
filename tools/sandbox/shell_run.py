"""One shell command in a process of its own, apart like the kernel."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tools.sandbox.changes import Before
from tools.sandbox.contract import Ended, Limits
from tools.sandbox.spawning import Spawn, Spawned
from tools.sandbox.streams import Drained
from tools.sandbox.watching import watched

END = 12.0
"""Seconds that a killed command is waited for."""
START = (
    "import os, sys; out = int(sys.argv[1]); os.dup2(os.open(os.devnull, os.O_RDONLY), 0); "
    "os.dup2(out, 1); os.dup2(out, 2); os.execv(sys.argv[2], sys.argv[2:])"
)
"""Puts the standard streams in place: nothing to read, one pipe for all output."""


@dataclass(frozen=True, slots=True)
class ShellRun:
    """How a command ended; status: of its exit, negative for a signal."""

    ended: Ended
    output: str
    status: int


async def run_shell(
    spawn: Spawn, command: str, limits: Limits, before: Before, stops: Iterable[asyncio.Event]
) -> ShellRun:
    """Run a command to its end or to a limit; nothing of it is left.

    Raises:
        SandboxError: it cannot be started.
    """
    process, read = await _started(spawn, command, limits)
    output = Drained(read)
    output.begin(limits.output)
    waiting = asyncio.ensure_future(process.wait())
    try:
        ended = await watched([waiting], before, limits, stops)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.kill(), END)
    await asyncio.wait({waiting}, timeout=END)
    waiting.cancel()
    output.catch_up()
    output.close()
    status = -9 if waiting.cancelled() or not waiting.done() else waiting.result()
    return ShellRun(ended or process.breach or ("error" if status else "done"), output.text(), status)


async def _started(spawn: Spawn, command: str, limits: Limits) -> tuple[Spawned, int]:
    ours, theirs = os.pipe()
    try:
        start = [*spawn.python, "-I", "-S", "-c", START, str(theirs), *spawn.shell, command]
        return await spawn(start, limits, [theirs]), ours
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
