"""The job servers of this process: started when the first job comes, kept for the next, on a thread of their own.

A thread, so that they outlive any event loop that asks for a job, and are watched while that loop is busy.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import logging
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
LIMITS: tuple[Ended, ...] = ("timeout", "memory", "disk", "processes")
_logger = logging.getLogger(__name__)


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
        self._running: set[asyncio.Task[Any]] = set()
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
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  this is a coroutine
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        async with self._places:
            server = await self._server(job.function.partition(":")[0])
            try:
                return await self._run(server, job, told)
            except (ToolCallError, ConfigurationError, asyncio.CancelledError):
                server.dead = server.dead or not await _cleaned(server)
                raise
            except OSError as error:  # of the folders in which files are exchanged
                self._give_up(server, f"{type(error).__name__}: {error}")
                raise ToolCallError(f"processing failed: {error.strerror or type(error).__name__}") from error
            except BaseException as error:
                self._give_up(server, repr(error))
                raise
            finally:
                await self._give_back(server)

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
        outcome = await asyncio.to_thread(server.folder.outcome)
        if _is_servers(status, outcome):
            self._give_up(server, server.said)
        value = _value(job, status, outcome)
        collecting = asyncio.create_task(asyncio.to_thread(self._collected, server, job.output))
        try:
            files = await asyncio.shield(collecting)
            await server.clean()
        except BaseException:
            await asyncio.to_thread(shutil.rmtree, await collecting, ignore_errors=True)
            raise
        return value, files

    def _collected(self, server: JobServerProcess, limit: int) -> Path:
        """A folder of ours with what a job made."""
        files = Path(tempfile.mkdtemp("", f"{PREFIX}{os.getpid()}-", self._parent))
        try:
            server.folder.collect(files, limit)
        except BaseException:
            shutil.rmtree(files, ignore_errors=True)
            raise
        return files

    async def _server(self, module: str) -> JobServerProcess:
        """An idle server, best one that has the module, or a new one."""
        self._idle.sort(key=lambda each: module in each.modules)
        while self._idle:
            server = self._idle.pop()
            if await server.usable():
                break
            self._give_up(server, "it has ended, or its folder is gone")
            await self._give_back(server)
        else:
            server = await self._new()
        server.modules.add(module)
        return server

    async def _new(self) -> JobServerProcess:
        """A new server. One whose job is cancelled meanwhile starts all the same, for the next job."""
        starting = asyncio.create_task(self._started())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._idle.append(await starting)
            raise

    async def _started(self) -> JobServerProcess:
        folder = await asyncio.to_thread(job_folder, self._parent)
        try:
            return await start_server(folder, jailed=self._jailed)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(folder.remove))
            raise

    def _give_up(self, server: JobServerProcess, cause: str) -> None:
        """Have another server take its place, and log why."""
        server.dead = True
        _logger.warning("a process that reads files is replaced: %s", _line(cause) or "it told no cause")

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
        with suppress(TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(CLOSE_WITHIN)
        for server in self._idle:
            server.folder.remove()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(CLOSE_WITHIN)
        if not self._thread.is_alive():
            self.loop.close()

    async def _end(self) -> None:
        """Cancel what is running and starting, which gives its server back, then end all servers."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.gather(*(server.process.kill() for server in self._idle))


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


def _is_servers(status: int | Ended, told: Mapping[str, Any]) -> bool:
    """Whether a failure may be of the server or of what it stands on, and would be met by the next job too."""
    if isinstance(status, int):
        return not told and not os.WIFSIGNALED(status)
    return status not in LIMITS


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
