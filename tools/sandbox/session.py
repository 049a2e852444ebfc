"""A session over a kernel that runs apart: time limits, output, new files, and a fresh start after any disaster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from configs.errors import SandboxError
from tools.sandbox.changes import Before, before
from tools.sandbox.contract import Ended, Execution, Limits
from tools.sandbox.endings import in_words, of_status
from tools.sandbox.running_kernel import RunningKernel, start_kernel
from tools.sandbox.shell_run import run_shell
from tools.sandbox.spawning import MAX_THREADS, Spawn
from tools.sandbox.watching import watched
from tools.workspace import Workspace

GRACE = 0.4
"""Seconds that interrupted code has to end by itself, with its variables kept."""
MAX_TEXT = 20_000
Work: TypeAlias = Callable[[asyncio.Event], Awaitable[Execution]]


class KernelSession:
    """Implements `Session`. Runs come one after the other; a run that is cancelled is interrupted."""

    def __init__(self, workspace: Workspace, spawn: Spawn) -> None:
        self._workspace = workspace
        self._spawn = spawn
        self._lock = asyncio.Lock()
        self._kernel: RunningKernel | None = None
        self._runs: set[asyncio.Task[Execution]] = set()
        self._closed = asyncio.Event()

    async def run_python(self, code: str, limits: Limits) -> Execution:
        return await self._until_cancelled(partial(self._python, code, limits))

    async def run_shell(self, command: str, limits: Limits) -> Execution:
        return await self._until_cancelled(partial(self._shell, command, limits))

    async def close(self) -> None:
        self._closed.set()
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _close(self) -> None:
        async with self._lock:
            await self._end_kernel()

    async def _until_cancelled(self, work: Work) -> Execution:
        """Let the work finish in order, also where nobody waits for it any more."""
        stop = asyncio.Event()
        run = asyncio.ensure_future(self._in_turn(work, stop))
        self._runs.add(run)
        run.add_done_callback(self._forget)
        try:
            return await asyncio.shield(run)
        except asyncio.CancelledError:
            stop.set()
            raise

    def _forget(self, run: asyncio.Task[Execution]) -> None:
        self._runs.discard(run)
        if not run.cancelled():
            run.exception()  # nobody may be waiting for it any more, and then nobody wants to know

    async def _in_turn(self, work: Work, stop: asyncio.Event) -> Execution:
        async with self._lock:
            if self._closed.is_set():
                raise SandboxError("this session of the sandbox is closed")
            if stop.is_set():
                return Execution("timeout", "")
            started = time.monotonic()
            return replace(await work(stop), seconds=time.monotonic() - started)

    async def _python(self, code: str, limits: Limits, stop: asyncio.Event) -> Execution:
        earlier = await asyncio.to_thread(before, self._workspace)
        lost = self._kernel is not None and not self._kernel.alive
        kernel = await self._ready(earlier.allowed(limits))
        reply = asyncio.ensure_future(kernel.run(code, limits))
        ended = await watched([reply], earlier, limits, [stop, self._closed])
        said = await self._said(kernel, reply, ended)
        if said is not None and not await self._settled(kernel, said.threads, ended == "timeout"):
            ended, said = ended or kernel.process.breach or "processes", None
        if said is None:
            await self._end_kernel()
        how: Ended = ended or (said.ended if said is not None else kernel.process.breach or "died")
        return await self._told(
            Execution(
                how,
                kernel.output.text(),
                said.value if said is not None else "",
                in_words(how, limits) or (said.error if said is not None else ""),
                state_kept=said is not None and not lost,
            ),
            earlier,
            limits,
        )

    async def _ready(self, limits: Limits) -> RunningKernel:
        if self._kernel is None or not self._kernel.alive:
            await self._end_kernel()
            self._kernel = await start_kernel(self._spawn, limits)
        await self._kernel.process.limit(limits)
        return self._kernel

    async def _said(
        self, kernel: RunningKernel, reply: asyncio.Future[dict[str, Any] | None], ended: Ended | None
    ) -> _Said | None:
        """What the kernel replied; None where it must go."""
        if ended == "timeout":
            kernel.interrupt()
            await asyncio.wait({reply}, timeout=GRACE)
        found = reply.result() if reply.done() and ended != "disk" else None
        reply.cancel()
        if found is None:
            return None
        kernel.output.catch_up()
        return _Said.read(found)

    async def _settled(self, kernel: RunningKernel, threads: int, stopped: bool) -> bool:
        """Whether the kernel may be kept: by its own word, and by the look of whoever can look into it."""
        return threads <= (0 if stopped else MAX_THREADS) and await kernel.process.settle(stopped=stopped)

    async def _shell(self, command: str, limits: Limits, stop: asyncio.Event) -> Execution:
        earlier = await asyncio.to_thread(before, self._workspace)
        run = await run_shell(self._spawn, command, earlier.allowed(limits), earlier, [stop, self._closed])
        error = in_words(run.ended, limits) or of_status(run.status)
        return await self._told(Execution(run.ended, run.output, error=error), earlier, limits)

    async def _told(self, found: Execution, earlier: Before, limits: Limits) -> Execution:
        """The result with its files; what was written beyond the limit is removed."""
        if await asyncio.to_thread(earlier.exceeded, limits.disk):
            gone = await asyncio.to_thread(earlier.trim, limits.disk)
            error = f"{in_words('disk', limits)}; {gone} of the files and folders it made were removed"
            found = replace(found, ended="disk", error=error)
        return replace(found, files=await asyncio.to_thread(earlier.changed))

    async def _end_kernel(self) -> None:
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            await kernel.end()


@dataclass(frozen=True, slots=True)
class _Said:
    """A reply of the kernel, of which nothing is believed but that these are short texts."""

    value: str
    error: str
    threads: int

    @classmethod
    def read(cls, reply: dict[str, Any]) -> _Said:
        value, error, threads = reply.get("value"), reply.get("error"), reply.get("threads")
        return cls(_short(value), _short(error), threads if isinstance(threads, int) else 0)

    @property
    def ended(self) -> Ended:
        if self.error.startswith("MemoryError"):
            return "memory"
        return "error" if self.error else "done"


def _short(text: object) -> str:
    return text[:MAX_TEXT] if isinstance(text, str) else ""
