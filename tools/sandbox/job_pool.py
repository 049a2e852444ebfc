"""The job servers of this process: started when the first job comes, kept for the next, on a thread of their own.

A thread, so that they outlive any event loop that asks for a job, and are watched while that loop is busy.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from configs.errors import ConfigurationError, ToolCallError
from tools.sandbox.contract import Ended
from tools.sandbox.job_files import PREFIX, job_folder
from tools.sandbox.job_process import JobServerProcess, Told, start_server

MOST_SERVERS = 4
CLOSE_WITHIN = 5.0
CANCELLED = -1


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run: see `tools.sandbox.jobs.run_job`."""

    function: str
    inputs: Mapping[str, BinaryIO]
    arguments: Mapping[str, Any]
    seconds: float
    memory: int
    output: int


class JobPool:
    """At most `MOST_SERVERS` servers, one job at a time in each.

    Args:
        parent: the folder under which jobs have their folders.
        jailed: whether they run in a jail.
    """

    def __init__(self, parent: Path, *, jailed: bool) -> None:
        self._parent = parent
        self._jailed = jailed
        self._idle: list[JobServerProcess] = []
        self._numbers = itertools.count(1)
        self._places = asyncio.Semaphore(max(2, min(MOST_SERVERS, os.cpu_count() or 1)))
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="jobs", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    async def run(self, job: Job, told: Told) -> tuple[Any, Path]:
        """Run a job on this pool's loop: what it returned, and a folder of ours with what it made.

        Raises:
            ToolCallError, ConfigurationError, SandboxError: as `tools.sandbox.jobs.run_job`.
        """
        async with self._places:
            server = await self._server(job.function.partition(":")[0])
            try:
                value, files = await self._run(server, job, told)
            except BaseException:
                server.dead = server.dead or not await _cleaned(server)
                raise
            finally:
                await self._give_back(server)
        return value, files

    async def _run(self, server: JobServerProcess, job: Job, told: Told) -> tuple[Any, Path]:
        names = await asyncio.to_thread(server.folder.place, job.inputs)
        order = {
            "job": next(self._numbers),
            "function": job.function,
            "inputs": names,
            "arguments": dict(job.arguments),
            "seconds": job.seconds,
            "memory": job.memory,
            "output": job.output,
        }
        status = await server.run(order, told)
        value = _value(job, status, await asyncio.to_thread(server.folder.outcome))
        files = Path(await asyncio.to_thread(tempfile.mkdtemp, "", f"{PREFIX}{os.getpid()}-", self._parent))
        try:
            await asyncio.to_thread(server.folder.collect, files, job.output)
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, files, ignore_errors=True)
            raise
        await server.clean()
        return value, files

    async def _server(self, module: str) -> JobServerProcess:
        """An idle server, best one that has the module, or a new one."""
        self._idle.sort(key=lambda each: module in each.modules)
        if self._idle:
            server = self._idle.pop()
        else:
            folder = await asyncio.to_thread(job_folder, self._parent)
            try:
                server = await start_server(folder, jailed=self._jailed)
            except BaseException:
                await asyncio.to_thread(folder.remove)
                raise
        server.modules.add(module)
        return server

    async def _give_back(self, server: JobServerProcess) -> None:
        if server.dead:
            await asyncio.shield(server.close())
        else:
            self._idle.append(server)

    def close(self) -> None:
        """End all servers, from any other thread; idempotent."""
        atexit.unregister(self.close)
        if self.loop.is_closed():
            return
        idle, self._idle = self._idle, []
        with suppress(TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(_end(idle), self.loop).result(CLOSE_WITHIN)
        for server in idle:
            server.folder.remove()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_WITHIN)
        if not self._thread.is_alive():
            self.loop.close()


async def _end(servers: list[JobServerProcess]) -> None:
    await asyncio.gather(*(server.process.kill() for server in servers))


async def _cleaned(server: JobServerProcess) -> bool:
    with suppress(Exception):
        await server.clean()
        return True
    return False


def _value(job: Job, status: int | Ended, told: Mapping[str, Any]) -> Any:
    """What a job returned.

    Raises:
        ToolCallError, ConfigurationError: it failed, in one line.
    """
    if not isinstance(status, int):
        raise ToolCallError(_stopped(job, status))
    if os.WIFSIGNALED(status):
        raise ToolCallError(_signalled(job, os.WTERMSIG(status)))
    if "value" in told and status == 0:
        return told["value"]
    if told.get("memory"):
        raise ToolCallError(_stopped(job, "memory"))
    if isinstance(message := told.get("error"), str):
        raise ToolCallError(_line(message) or "the file cannot be processed")
    if isinstance(message := told.get("configuration"), str):
        raise ConfigurationError(_line(message))
    raise ToolCallError(f"processing failed: {_line(str(told.get('failed', 'nothing came back')))}")


def _stopped(job: Job, ended: Ended) -> str:
    return {
        "timeout": f"processing was stopped after {job.seconds:g} s",
        "memory": f"processing needs more than {job.memory >> 20:,} MB of memory and was stopped",
        "disk": f"processing makes more than {job.output:,} bytes of files and was stopped",
        "processes": "processing starts too many processes and was stopped",
    }.get(ended, "processing crashed")


def _signalled(job: Job, number: int) -> str:
    if number == signal.SIGXFSZ:
        return _stopped(job, "disk")
    if number == signal.SIGXCPU:
        return _stopped(job, "timeout")
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    return f"processing crashed ({name})"


def _line(text: str) -> str:
    """A message from inside, on one line and not long."""
    return " ".join("".join(each if each.isprintable() else " " for each in text[:2000]).split())[:1000]
