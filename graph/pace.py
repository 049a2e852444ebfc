"""How many requests an endpoint gets at once: all that come, until it says that they are too many."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SPREAD = 0.25
"""A wait is lengthened by up to this share of itself, so that what waited together does not come back together."""


class Pace:
    """The turns of one endpoint's requests, on one event loop.

    A refusal halves the room, down to one request at a time, and holds back everyone for as long as the endpoint asks;
    each reply doubles it again (as TCP's slow start does). So branches that were refused together do not all come back
    at once, and one that waits spends none of its retries.
    """

    def __init__(self) -> None:
        self._room = float("inf")
        self._inside = 0
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """Wait for a place, then hold it.

        Raises:
            TimeoutError: there was none in time.
        """
        async with asyncio.timeout(seconds):
            await self._enter()
        try:
            yield
        finally:
            self._inside -= 1
            self._wake()

    def refused(self, wait: float) -> None:
        """The endpoint has too much to do, and asks to be left alone for so many seconds."""
        self._room = max(1.0, min(self._room, self._inside + 1.0) // 2)
        self._closed_until = max(self._closed_until, time.monotonic() + wait)

    def answered(self) -> None:
        """The endpoint answered."""
        self._room *= 2
        self._wake()

    async def _enter(self) -> None:
        while True:
            closed = self._closed_until - time.monotonic()
            if closed > 0:
                await asyncio.sleep(closed * (1 + random.uniform(0, SPREAD)))  # noqa: S311  no secret
            elif self._inside >= self._room:
                await self._next()
            else:
                self._inside += 1
                return

    async def _next(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()  # it was this one's turn, and it does not take it
            raise

    def _wake(self) -> None:
        free = self._room - self._inside
        while self._waiting and free > 0:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1
