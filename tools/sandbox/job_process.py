"""One job server as a process: in a jail, or, where that was asked for by name, as a plain process."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from configs.errors import SandboxError
from configs.settings import environment_without_secrets
from tools.sandbox.contract import Ended, Limits
from tools.sandbox.jail import Mount, spawn
from tools.sandbox.job_child import MAX_RESULT
from tools.sandbox.job_files import JobFolder

PACKAGES = ("tools", "configs")
"""What of ours jobs may import; nothing else of the project is shown to them."""
PROJECT = "/project"
JOBS = "/jobs"
ROOM = 512 << 20
"""Memory of the server and its imports, beside the job's."""
MOST_MEMORY = 4 << 30
PROCESSES = 256
START_WITHIN = 60.0
STOP_WITHIN = 1.5
Told = Callable[[Mapping[str, Any]], None]


class Process(Protocol):
    """What is needed of a process: a JailedProcess is one."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    @property
    def ended(self) -> Ended | None: ...

    async def limit(self, limits: Limits) -> None: ...

    async def kill(self) -> object: ...


@dataclass(slots=True)
class JobServerProcess:
    """A server that runs; `dead` once it cannot take jobs any more.

    `said` is the last that it or its jobs said beside progress; from inside, so for the log alone, and not as it is.
    """

    process: Process
    folder: JobFolder
    modules: set[str] = field(default_factory=set)
    dead: bool = False
    said: str = ""

    async def run(self, order: Mapping[str, Any], told: Told) -> int | Ended:
        """Run one job: its wait status, `timeout`, or why the whole server ended.

        Args:
            order: as `job_server.py` takes it.
            told: gets the job's reports of progress, as they came from inside.
        """
        await self.process.limit(
            Limits(memory=order["memory"] + ROOM, processes=PROCESSES, disk=order["output"] + MAX_RESULT)
        )
        self.said = ""
        reports = asyncio.create_task(self._relay(order["job"], told))
        try:
            await self._say(order)
            async with asyncio.timeout(order["seconds"]):
                ended = await self._ended(order["job"])
            if self.dead:
                await asyncio.wait([reports], timeout=STOP_WITHIN)  # for what it said last
            return ended
        except TimeoutError:
            await self._stop(order["job"])
            return "timeout"
        except asyncio.CancelledError:
            await asyncio.shield(self._stop(order["job"]))
            raise
        finally:
            reports.cancel()
            await asyncio.gather(reports, return_exceptions=True)

    async def clean(self) -> None:
        """Have what the job left taken away before the next one."""
        await self._say({"clean": True})

    async def usable(self) -> bool:
        """Whether it still runs, and its folder is there."""
        return self.process.ended is None and await asyncio.to_thread(self.folder.is_there)

    async def close(self) -> None:
        """End it and take its folder away."""
        self.dead = True
        await self.process.kill()
        await asyncio.to_thread(self.folder.remove)

    async def ready(self) -> None:
        """Wait until it takes jobs.

        Raises:
            SandboxError: it does not start.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(START_WITHIN):
                if (await self._answer()).get("ready"):
                    return
        await self.process.kill()  # so that all it said is there
        said = (await self.process.stderr.read(2000)).decode(errors="replace").strip().splitlines()
        raise SandboxError(f"the process that reads files does not start: {said[-1] if said else 'no reason told'}")

    async def _relay(self, job: int, told: Told) -> None:
        """Pass on what a job reports. It comes from inside: lines of another job or another kind are dropped."""
        pending = b""
        while data := await self.process.stderr.read(1 << 14):
            *lines, pending = (pending + data).split(b"\n")
            pending = pending[-4096:]
            for line in lines[-10:]:
                report: object = None
                with suppress(ValueError, RecursionError):
                    report = json.loads(line)
                if not isinstance(report, dict):
                    self.said = line[:1000].decode(errors="replace")
                elif report.get("job") == job:
                    told(report)

    async def _stop(self, job: int) -> None:
        """End a job, or everything if that does not help."""
        await self._say({"cancel": job})
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await self._ended(job)
        except TimeoutError:
            self.dead = True
            await self.process.kill()

    async def _ended(self, job: int) -> int | Ended:
        while answer := await self._answer():
            if answer.get("ended") == job:
                self.said = str(answer.get("said") or self.said)
                return int(answer["status"])
        self.dead = True
        await self.process.kill()
        return self.process.ended or "died"

    async def _answer(self) -> dict[str, Any]:
        with suppress(ConnectionError, ValueError):
            answer: dict[str, Any] = json.loads(await self.process.stdout.readline() or b"{}")
            return answer
        return {}

    async def _say(self, order: Mapping[str, Any]) -> None:
        with suppress(ConnectionError, RuntimeError):
            self.process.stdin.write(json.dumps(order).encode() + b"\n")
            await self.process.stdin.drain()


async def start_server(folder: JobFolder, *, jailed: bool) -> JobServerProcess:
    """Start a server that works in the folder.

    Raises:
        SandboxError: there is no jail, or it does not start.
    """
    process: Process = await (_in_jail(folder) if jailed else _plain(folder))
    server = JobServerProcess(process, folder)
    try:
        await server.ready()
    except BaseException:
        await asyncio.shield(process.kill())
        raise
    return server


async def _in_jail(folder: JobFolder) -> Process:
    packages = await asyncio.to_thread(_packages)
    mounts = [
        Mount(folder.inputs, f"{JOBS}/in"),
        Mount(folder.out, f"{JOBS}/out", writable=True),
        Mount(folder.result, f"{JOBS}/result", writable=True),
        *(Mount(path, f"{PROJECT}/{name}") for name, path in packages.items()),
    ]
    limits = Limits(memory=MOST_MEMORY, processes=PROCESSES, disk=MOST_MEMORY)
    return await spawn(
        ["python", "-P", f"{PROJECT}/tools/sandbox/job_server.py", JOBS, PROJECT],
        mounts=mounts,
        limits=limits,
        init=True,
    )


async def _plain(folder: JobFolder) -> Process:
    packages = await asyncio.to_thread(_packages)
    program = packages["tools"] / "sandbox" / "job_server.py"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(program), str(folder.root), str(program.parents[2])),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=await asyncio.to_thread(environment_without_secrets),
        cwd=folder.out,
        start_new_session=True,
    )
    return _PlainProcess(process)


class _PlainProcess:
    """The streams of a process of ours; only the limits that it sets for its own children hold."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin and process.stdout and process.stderr  # noqa: S101  opened with pipes
        self.stdin, self.stdout, self.stderr = process.stdin, process.stdout, process.stderr
        self._process = process

    @property
    def ended(self) -> Ended | None:
        return "died" if self._process.returncode is not None else None

    async def limit(self, limits: Limits) -> None:
        del limits

    async def kill(self) -> None:
        self.stdin.close()  # at the end of its input it ends its job and itself
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN):
                await self._process.wait()
                return
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


def _packages() -> dict[str, Path]:
    found = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        places = spec.submodule_search_locations if spec is not None else None
        if places:
            found[name] = Path(os.path.realpath(next(iter(places))))
    return found
