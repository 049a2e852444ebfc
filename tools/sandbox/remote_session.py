"""A session with an interpreter elsewhere, whose folder is kept like the workspace."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tools.sandbox import remote_code
from tools.sandbox.contract import Execution, Limits
from tools.sandbox.kept_output import KeptOutput
from tools.sandbox.mirror import Mirror, Stamp
from tools.workspace import Workspace

GRACE = 10.0
"""Seconds for starting, listing and moving files, beyond a run's own."""
LISTING_CHARS = 5_000_000


@dataclass(frozen=True, slots=True)
class Ran:
    """What an interpreter says of a run. `error`: name and message, empty where there was none.

    A run that was out of time was ended; the interpreter may have died of it. Where its variables are not `state_kept`,
    a restart is due.
    """

    value: str = ""
    error: str = ""
    timed_out: bool = False
    died: bool = False
    state_kept: bool = True


class Interpreter(Protocol):
    """An interpreter elsewhere. All calls raise SandboxError where it cannot be reached."""

    folder: str

    async def run(self, code: str, seconds: float, write: Callable[[str], None]) -> Ran:
        """Run Python code; what it prints is written as it comes. A run that is out of time has ended on return."""
        ...

    async def get(self, path: str) -> bytes:
        """A file of its folder."""
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Write a file of its folder."""
        ...

    async def restart(self) -> None:
        """A fresh one, without variables."""
        ...

    async def close(self) -> None:
        """End it; idempotent."""
        ...


class RemoteSession:
    """Implements `Session` over an interpreter: one run at a time."""

    def __init__(self, workspace: Workspace, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._mirror = Mirror(workspace, _Files(interpreter))
        self._lock = asyncio.Lock()
        self._fresh = True

    async def run_python(self, code: str, limits: Limits) -> Execution:
        """See `Session`."""
        return await self._run(code, limits, limits.seconds, None)

    async def run_shell(self, command: str, limits: Limits) -> Execution:
        """See `Session`."""
        mark = _mark()
        code = remote_code.shell(command, self._interpreter.folder, limits.seconds, mark)
        return await self._run(code, limits, limits.seconds + GRACE, mark)

    async def close(self) -> None:
        """See `Session`."""
        await self._interpreter.close()

    async def _run(self, code: str, limits: Limits, seconds: float, mark: str | None) -> Execution:
        async with self._lock:
            started = time.monotonic()
            if self._fresh:
                await self._interpreter.run(remote_code.start(self._interpreter.folder), GRACE, lambda _: None)
                self._fresh = False
            await self._mirror.push()
            kept = KeptOutput(limits.output)
            ran = await self._interpreter.run(code, seconds, kept.add)
            if not ran.state_kept:
                await self._interpreter.restart()
                self._fresh = True
            files, fault = await self._mirror.pull()
            done = _execution(ran, kept.text(), mark, limits)
            if fault:
                done = replace(done, ended="disk", error=fault)
            return replace(done, files=files, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Files:
    interpreter: Interpreter

    async def stamps(self) -> Mapping[str, Stamp]:
        mark, printed = _mark(), KeptOutput(2 * LISTING_CHARS)
        await self.interpreter.run(remote_code.listing(self.interpreter.folder, mark), GRACE, printed.add)
        return remote_code.stamps(printed.text(), mark)

    async def get(self, path: str) -> bytes:
        return await self.interpreter.get(path)

    async def put(self, path: str, data: bytes) -> None:
        await self.interpreter.put(path, data)


def _mark() -> str:
    """What code of the past cannot have known."""
    return f"--{secrets.token_hex(16)}--"


def _execution(ran: Ran, printed: str, mark: str | None, limits: Limits) -> Execution:
    if ran.died:
        return Execution(
            "died", printed, error="the interpreter died; variables are lost, files kept", state_kept=False
        )
    if mark is not None and not ran.timed_out:
        output, status = remote_code.status(printed, mark)
        if status == "timeout":
            return Execution("timeout", output, error=f"ended after {limits.seconds:g} s")
        failed = status != "0"
        return Execution(
            "error" if failed else "done", output, error=f"exit status {status or 'unknown'}" if failed else ""
        )
    if ran.timed_out:
        lost = "" if ran.state_kept else "; variables are lost, files kept"
        return Execution("timeout", printed, error=f"ended after {limits.seconds:g} s{lost}", state_kept=ran.state_kept)
    return Execution("error" if ran.error else "done", printed, ran.value, ran.error)
