"""The host's side of a kernel that runs somewhere apart."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from configs.errors import SandboxError
from tools.sandbox.contract import Limits
from tools.sandbox.spawning import Spawn, Spawned
from tools.sandbox.streams import Commands, Drained, Replies

START = 30.0
"""Seconds until a kernel must be there, on a machine that has a lot to do."""
KNOWN = 0.3
"""Seconds for the reason of an end to come up."""
END = 12.0
"""Seconds that a killed process is waited for."""


@dataclass(slots=True)
class RunningKernel:
    """A kernel that is ready."""

    process: Spawned
    commands: Commands
    replies: Replies
    output: Drained
    lag: float
    running: str = ""

    async def run(self, code: str, limits: Limits) -> dict[str, Any] | None:
        """Run code and return the reply to it; None once it is clear that none comes.

        Replies that nobody waits for are passed over: only code that lies sends them.
        """
        self.running = uuid.uuid4().hex
        self.output.catch_up()
        self.output.begin(limits.output)
        self.commands.send({"id": self.running, "code": code})
        while (reply := await self.replies.next()) is not None:
            if reply.get("id") == self.running:
                await asyncio.sleep(self.lag)
                return reply
        return None

    def interrupt(self) -> None:
        """Ask the code that runs to end."""
        self.commands.send({"interrupt": self.running})

    @property
    def alive(self) -> bool:
        return not self.replies.broken

    async def end(self) -> None:
        """Kill it, with all that it has started."""
        with suppress(TimeoutError):
            if self.replies.broken:  # it has ended by itself; whoever watches it may know why
                await asyncio.wait_for(self.process.wait(), KNOWN)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.process.kill(), END)
        self.output.catch_up()
        for stream in (self.commands, self.replies, self.output):
            stream.close()


async def start_kernel(spawn: Spawn, limits: Limits) -> RunningKernel:
    """Start a kernel and wait until it is ready.

    Raises:
        SandboxError: it does not start.
    """
    source = await asyncio.to_thread(_source)
    apart = ["apart"] if spawn.apart else []
    theirs_in, ours_in = os.pipe()
    ours_replies, theirs_replies = os.pipe()
    ours_output, theirs_output = os.pipe()
    theirs, ours = (theirs_in, theirs_replies, theirs_output), (ours_in, ours_replies, ours_output)
    try:
        command = [*spawn.python, "-I", "-c", source, spawn.folder, *map(str, theirs), *apart]
        process = await spawn(command, replace(limits, seconds=START), theirs)
    except BaseException:
        _close(ours)
        raise
    finally:
        _close(theirs)
    kernel = RunningKernel(process, Commands(ours_in), Replies(ours_replies), Drained(ours_output), spawn.lag)
    kernel.output.begin(limits.output)
    try:
        await _ready(kernel)
    except BaseException:
        await asyncio.shield(kernel.end())
        raise
    return kernel


async def _ready(kernel: RunningKernel) -> None:
    ready = None
    with suppress(TimeoutError):
        ready = await asyncio.wait_for(kernel.replies.next(), START)
    if ready is None:
        kernel.output.catch_up()
        said = kernel.output.text().strip().rpartition("\n")[2][:300]
        raise SandboxError(f"Python does not start in the sandbox{f': {said}' if said else ''}")


@cache
def _source() -> str:
    return Path(__file__).with_name("kernel.py").read_text(encoding="utf-8")


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
