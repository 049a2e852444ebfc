"""Waits for a run to end, or for the limit that ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from tools.sandbox.changes import Before
from tools.sandbox.contract import Ended, Limits

LOOK = 0.2
"""Seconds between looks at what the workspace takes, at least; a look at many files makes them rarer."""


async def watched(
    ends: Iterable[asyncio.Future[Any]], before: Before, limits: Limits, stops: Iterable[asyncio.Event]
) -> Ended | None:
    """Wait for one of `ends`; None if it came first, else why the run must stop (a stop: its time is over)."""
    full = asyncio.ensure_future(_full(before, limits.disk))
    others = {full, *(asyncio.ensure_future(stop.wait()) for stop in stops)}
    waited = {*ends}
    try:
        done, _ = await asyncio.wait({*waited, *others}, timeout=limits.seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in others:
            each.cancel()
    if done & waited:
        return None
    return "disk" if full in done else "timeout"


async def _full(before: Before, disk: int) -> None:
    """Return once the run has written more than it may."""
    loop = asyncio.get_running_loop()
    pause = LOOK
    while True:
        await asyncio.sleep(pause)
        started = loop.time()
        if await asyncio.to_thread(before.exceeded, disk):
            return
        pause = max(LOOK, 4 * (loop.time() - started))
