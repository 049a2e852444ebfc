"""A session of the sandbox for each task, bounded in number, closed when nobody has used it for a while."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from configs.errors import SandboxError
from tools.sandbox.contract import MakeSandbox, Session
from tools.workspace import Workspace

MOST = 8
"""Sessions kept at once, and runs side by side."""
IDLE = 900.0
"""Seconds without a run until a session is closed."""
REMEMBERED = 1000
Key: TypeAlias = tuple[str, str]
_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    session: Session
    users: int = 0
    idle: asyncio.TimerHandle | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A session for one run; lost: an earlier one of the same task was closed, and with it its variables."""

    session: Session
    lost: bool


@dataclass(slots=True)
class Sessions:
    """The sessions of one process, told apart by workspace and task."""

    make: MakeSandbox
    most: int = MOST
    idle: float = IDLE
    _held: OrderedDict[Key, _Held] = field(default_factory=OrderedDict)
    _closed: OrderedDict[Key, None] = field(default_factory=OrderedDict)
    _turns: asyncio.Semaphore = field(init=False)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.most)

    @asynccontextmanager
    async def use(self, workspace: Workspace, task: str) -> AsyncIterator[Lease]:
        """The task's session, opened if there is none; waits while too many are at work.

        Raises:
            SandboxError: it cannot be opened.
            ConfigurationError: the sandbox lacks a setting.
        """
        key = (str(workspace.folder), task)
        async with self._turns:
            held, lost = await self._open(key, workspace)
            try:
                yield Lease(held.session, lost)
            finally:
                held.users -= 1
                if not held.users:
                    held.idle = asyncio.get_running_loop().call_later(self.idle, self._expire, key)

    async def close(self) -> None:
        """Close all."""
        for key in list(self._held):
            self._expire(key)
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _open(self, key: Key, workspace: Workspace) -> tuple[_Held, bool]:
        async with self._opening:
            lost = key not in self._held and key in self._closed
            if key not in self._held:
                self._make_room()
                self._held[key] = _Held(await (await asyncio.to_thread(self.make)).open(workspace))
                self._closed.pop(key, None)
            held = self._held[key]
            self._held.move_to_end(key)
            held.users += 1
            if held.idle is not None:
                held.idle.cancel()
            return held, lost

    def _make_room(self) -> None:
        free = [key for key, held in self._held.items() if not held.users]
        for key in free[: max(0, len(self._held) - self.most + 1)]:
            self._expire(key)

    def _expire(self, key: Key) -> None:
        held = self._held.pop(key, None)
        if held is None:
            return
        if held.idle is not None:
            held.idle.cancel()
        self._closed[key] = None
        while len(self._closed) > REMEMBERED:
            self._closed.popitem(last=False)
        closing = asyncio.ensure_future(_close(held.session))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _close(session: Session) -> None:
    try:
        await session.close()
    except SandboxError as error:
        _logger.warning("a session of the sandbox cannot be closed: %s", error)
