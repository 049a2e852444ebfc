"""Runs functions that read foreign files (parsers, decoders) where they can do no harm: no network, bounded, apart."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from configs.errors import SandboxError
from configs.settings import Settings
from tools.result_text import visible
from tools.sandbox.jail_command import bubblewrap
from tools.sandbox.job_pool import Job, JobPool
from tools.sandbox.job_process import Told

LARGEST = 1e15
Progress: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Done, in all (None: not known), and what is being done."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """seconds of wall-clock time; memory in bytes; output in bytes of all files that are made."""

    seconds: float = 60.0
    memory: int = 1 << 30
    output: int = 200_000_000


@dataclass(frozen=True, slots=True)
class JobResult:
    """value: what the function returned, as JSON; files: a folder with what it made, there until the context ends."""

    value: Any
    files: Path


@asynccontextmanager
async def run_job(
    function: str,
    inputs: Mapping[str, BinaryIO],
    arguments: Mapping[str, Any],
    limits: JobLimits | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[JobResult]:
    """Call `function(inputs, out, **arguments)` in the sandbox.

    Args:
        function: `package.module:name`, of ours. It gets `inputs` as readable files (name to path), `out`, an empty
            folder it may write to, and the arguments; it returns JSON. For progress it takes a keyword argument
            `progress(done, total, text)` where it has one of that name. Its module is imported once for all jobs, and
            so are the modules that its PRELOAD names (a tuple), and those that our code in it was seen to import.
        inputs: open regular files, read from their beginning.

    Raises:
        ToolCallError: the function raised ValueError or ToolCallError (its message), or was stopped at a limit.
        SandboxError: there is no sandbox to run it in.
    """
    limits = limits or JobLimits()
    pool = await asyncio.to_thread(_pool)
    files = {key: _own(file) for key, file in inputs.items()}
    job = Job(function, files, arguments, limits.seconds, limits.memory, limits.output)
    made = _Made()
    try:
        async with _reports(progress) as told:
            future = asyncio.run_coroutine_threadsafe(_run(pool, job, told, made), pool.loop)
            result = await asyncio.wrap_future(future)
        yield result
    finally:
        await asyncio.to_thread(made.let_go)


@cache
def _pool() -> JobPool:
    from tools.servers.requests import settings

    return JobPool(settings().home / "jobs", jailed=is_jailed(settings()))


def is_jailed(settings: Settings) -> bool:
    """Whether files are read in a jail by these settings.

    For code there is docker, e2b and jupyter; files are read beside us, in bubblewrap, or, where that is not installed
    and unsafe code is allowed, in a plain process.

    Raises:
        SandboxError: no jail is wanted, but nobody allowed to do without.
    """
    if settings.sandbox != "subprocess":
        beside = settings.sandbox == "bubblewrap" or not settings.allow_unsafe_code
        return beside or bubblewrap() is not None
    if not settings.allow_unsafe_code:
        raise SandboxError(
            "MEMENTO_SANDBOX=subprocess reads files and runs code with this user's rights: "
            "set MEMENTO_ALLOW_UNSAFE_CODE=1 as well, or MEMENTO_SANDBOX=bubblewrap"
        )
    return False


class _Made:
    """The folder of a job's files on its way from the pool's thread; whoever comes last takes it away. Blocking."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._wanted = True

    def take(self, folder: Path) -> None:
        self._folder = folder
        if not self._wanted:
            shutil.rmtree(folder, ignore_errors=True)

    def let_go(self) -> None:
        self._wanted = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


async def _run(pool: JobPool, job: Job, told: Told, made: _Made) -> JobResult:
    try:
        value, folder = await pool.run(job, told)
        await asyncio.to_thread(made.take, folder)
        return JobResult(value, folder)
    finally:
        for file in job.inputs.values():
            file.close()


def _own(file: BinaryIO) -> BinaryIO:
    """A file of our own on the same content: the caller's may be closed while a cancelled job ends."""
    try:
        return os.fdopen(os.dup(file.fileno()), "rb")
    except (io.UnsupportedOperation, AttributeError):
        file.seek(0)
        return io.BytesIO(file.read())


@asynccontextmanager
async def _reports(progress: Progress | None) -> AsyncIterator[Told]:
    """What takes a job's reports on another thread; the latest one is passed on, however many come."""
    loop = asyncio.get_running_loop()
    latest: list[Mapping[str, Any]] = []
    came = asyncio.Event()

    def take(report: Mapping[str, Any]) -> None:
        latest[:] = [report]
        came.set()

    def told(report: Mapping[str, Any]) -> None:
        with suppress(RuntimeError):  # that loop has closed
            loop.call_soon_threadsafe(take, report)

    async def pass_on() -> None:
        while progress is not None:
            await came.wait()
            came.clear()
            for report in latest:
                done, total = (_number(report.get(key)) for key in ("done", "total"))
                await progress(done or 0.0, total, visible(str(report.get("text", ""))[:200]))

    task = asyncio.create_task(pass_on())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < LARGEST else None
