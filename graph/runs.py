"""Past runs, read from their checkpoints."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from configs.errors import InvalidInputError
from configs.settings import Settings
from graph.builder import build_graph
from graph.checkpoints import open_checkpointer
from graph.home import prepare_home
from graph.results import Result, result_of
from graph.services import closed_services


@dataclass(frozen=True, slots=True)
class Run:
    """A run with its state. `updated_at` is ISO 8601, UTC."""

    result: Result
    state: dict[str, Any]
    updated_at: str


async def list_runs(settings: Settings, limit: int = 50) -> list[Run]:
    """The latest runs, newest first.

    Raises:
        CheckpointError: the checkpoints cannot be read.
    """
    await asyncio.to_thread(prepare_home, settings.home)
    async with open_checkpointer(settings) as saver:
        latest = await saver.newest_threads(limit)
        graph = build_graph(closed_services(settings, saver))
        return [await _run(graph, thread_id) for thread_id in latest]


async def show_run(settings: Settings, thread_id: str) -> Run:
    """One run.

    Raises:
        InvalidInputError: there is no such run.
        CheckpointError: the checkpoints cannot be read.
    """
    await asyncio.to_thread(prepare_home, settings.home)
    async with open_checkpointer(settings) as saver:
        run = await _run(build_graph(closed_services(settings, saver)), thread_id)
    if not run.state:
        raise InvalidInputError(f"there is no run with the thread id {thread_id!r}")
    return run


async def thread_ids(settings: Settings, limit: int = 100_000) -> list[str]:
    """The ids of the latest runs, newest first, without reading their states.

    Raises:
        CheckpointError: the checkpoints cannot be read.
    """
    await asyncio.to_thread(prepare_home, settings.home)
    async with open_checkpointer(settings) as saver:
        return await saver.newest_threads(limit)


async def _run(graph: Any, thread_id: str) -> Run:
    snapshot = await graph.aget_state({"configurable": {"thread_id": thread_id}})
    return Run(result_of(thread_id, snapshot), snapshot.values, snapshot.created_at or "")
