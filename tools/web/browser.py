"""The one browser of a process: started when first needed, replaced when it hangs or dies, ended when it is idle."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from configs.errors import MementoError, ToolCallError
from configs.private_folders import private_folder
from configs.settings import Settings
from tools.egress import Egress
from tools.servers.extras import need
from tools.web.chromium import Chromium, start_chromium
from tools.web.rendering import SECONDS, Rendered, connection, render

AT_ONCE = 2
IDLE_SECONDS = 120.0
MEMORY = 1_500_000_000
"""Bytes of all the browser's processes together; a page that takes more takes the browser with it."""
WATCH_SECONDS = 1.0
LET_GO_SECONDS = 5.0


@dataclass(slots=True)
class _Held:
    """A browser that runs. Its faults are the page's that is at work, or everybody's: pages are tried once more."""

    address: str
    process: Chromium | None
    stack: AsyncExitStack
    fault: str = ""
    pages: int = 0
    closing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def usable(self) -> bool:
        return not self.fault and (self.process is None or self.process.running)


class Browser:
    """Renders pages. An address in `MEMENTO_BROWSER` is used as it is; otherwise Chromium is started."""

    def __init__(self, settings: Settings, egress: Egress, idle_seconds: float = IDLE_SECONDS) -> None:
        self._settings = settings
        self._egress = egress
        self._idle_seconds = idle_seconds
        self._held: _Held | None = None
        self._starting = asyncio.Lock()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._idle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def process(self) -> Chromium | None:
        """The browser that runs now, where it is one of ours."""
        return self._held.process if self._held is not None else None

    @property
    def address(self) -> str:
        """Of the debugging port of the browser that runs now, or empty."""
        return self._held.address if self._held is not None else ""

    async def render(self, url: str) -> Rendered:
        """A page after its scripts ran.

        Raises:
            ToolCallError: the page cannot be loaded, hangs, or takes too much memory.
            ConfigurationError: there is no browser.
        """
        async with self._turns:
            for _ in range(2):
                held = await self._running()
                held.pages += 1
                try:
                    return await self._watched(held, url)
                except ToolCallError as error:
                    if held.usable or str(error) == held.fault:
                        raise
                finally:
                    held.pages -= 1
                    self._end_when_idle()
        raise ToolCallError("the browser broke down; try again later or another source")

    async def close(self) -> None:
        """End the browser; the next page starts another one."""
        if self._idle is not None:
            self._idle.cancel()
        async with self._starting:
            if self._held is not None:
                await _release(self._held)
                self._held = None

    async def _running(self) -> _Held:
        async with self._starting:
            if self._held is not None and not self._held.usable:
                await _release(self._held)
                self._held = None
            if self._held is None:
                self._held = await self._start()
            return self._held

    async def _start(self) -> _Held:
        home = self._settings.home / "browser"
        await asyncio.to_thread(private_folder, home)
        os.environ.setdefault("CRAWL4_AI_BASE_DIRECTORY", str(home))  # read when crawl4ai is imported
        given = self._settings.browser or ""
        process = None if given.startswith(("http://", "https://")) else await start_chromium(self._settings)
        stack = AsyncExitStack()
        address = process.address if process is not None else given
        try:
            if process is not None:
                stack.push_async_callback(process.stop)
            await stack.enter_async_context(connection(address))
        except BaseException:
            await stack.aclose()
            raise
        return _Held(address, process, stack)

    async def _watched(self, held: _Held, url: str) -> Rendered:
        """The page, or the end of the browser where it takes too long or too much."""
        task = asyncio.create_task(render(held.address, self._egress, url))
        try:
            deadline = asyncio.get_running_loop().time() + SECONDS
            while not task.done():
                await asyncio.wait({task}, timeout=WATCH_SECONDS)
                if not held.usable:
                    raise ToolCallError(held.fault or "the browser ended")
                fault = await self._fault(held, task, deadline)
                if fault:
                    held.fault = fault
                    raise ToolCallError(fault)
            return task.result()
        finally:
            await _let_go(held, task)

    async def _fault(self, held: _Held, task: asyncio.Task[Rendered], deadline: float) -> str:
        if task.done():
            return ""
        if asyncio.get_running_loop().time() > deadline:
            return f"the page was not ready after {SECONDS:g} s in a browser; try render=never, or another source"
        if held.process is not None and await asyncio.to_thread(_memory, held.process.pid) > MEMORY:
            return "the page takes too much memory in a browser; try render=never, or another source"
        return ""

    def _end_when_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        if self._held is not None and not self._held.pages:
            task = asyncio.create_task(self.close())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _let_go(held: _Held, task: asyncio.Task[Rendered]) -> None:
    """Wait for what is left of a page. What hangs on the browser is freed by the browser's end."""
    if task.done():
        return
    if held.process is not None:
        held.fault = held.fault or "the browser ended"
        await held.process.stop()
    task.cancel()
    await asyncio.wait({task}, timeout=LET_GO_SECONDS)
    if task.done() and not task.cancelled():
        task.exception()


async def _release(held: _Held) -> None:
    async with held.closing:
        if held.process is not None and held.fault:
            await held.process.stop()
        with suppress(MementoError, TimeoutError, OSError):
            await held.stack.aclose()


def _memory(pid: int) -> int:
    """Bytes of memory that a process and all below it hold, without what they share."""
    psutil = need("psutil", "crawl")
    try:
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for process in family:
        with suppress(psutil.Error):
            told = process.memory_info()
            total += told.rss - getattr(told, "shared", 0)
    return total
