"""Which writes of a thread are handed to a checkpointer and not kept yet.

LangGraph saves the result of a step (`aput_writes`) in the background and goes on. Whoever must know that a result is
kept before telling of it, or before doing the next thing that cannot be undone, waits here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from configs.errors import CheckpointError


class PendingWrites:
    """Of one checkpointer, on one event loop."""

    def __init__(self) -> None:
        self._under_way: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._lost: dict[str, CheckpointError] = {}

    def begin(self, thread_id: str, write: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None]:
        """Start a write at once, known to `settled` from this call on, and return what waits for its end.

        A plain function, since LangGraph calls it when the step ends and awaits the result later. The write does not
        run inside what is returned: under `max_concurrency` LangGraph holds that back until the node has ended.
        """
        task = asyncio.get_running_loop().create_task(write)
        self._under_way[thread_id].add(task)
        task.add_done_callback(lambda ended: self._end(thread_id, ended))
        return _wait(task)

    async def settled(self, thread_id: str) -> None:
        """Wait until every write begun for a thread is kept.

        Raises:
            CheckpointError: one could not be kept, now or since the thread was last read.
        """
        if under_way := self._under_way.get(thread_id):
            await asyncio.wait(under_way)
        if lost := self._lost.get(thread_id):
            raise CheckpointError(str(lost))

    def forget(self, thread_id: str) -> None:
        """A thread is read anew: what it lost before is not there to be waited for."""
        self._lost.pop(thread_id, None)

    def _end(self, thread_id: str, task: asyncio.Task[None]) -> None:
        under_way = self._under_way[thread_id]
        under_way.discard(task)
        if not under_way:
            del self._under_way[thread_id]
        if task.cancelled():
            self._lost[thread_id] = CheckpointError("the checkpoint was not kept: the run was stopped")
        elif isinstance(error := task.exception(), CheckpointError):
            self._lost[thread_id] = error


async def _wait(task: asyncio.Task[None]) -> None:
    await task
