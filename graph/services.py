"""The live resources of one process: opened once, shared by every run, bound into the nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver

from configs.settings import Settings
from graph.checkpoints import open_checkpointer
from graph.home import prepare_home
from graph.models import ModelPool
from graph.workspaces import Workspaces
from memory.case_memory import CaseMemory, open_case_memory
from nodes.execute import Tools
from nodes.language_model import Models
from nodes.prompts import Prompts
from tools.client import open_tools


@dataclass(frozen=True, slots=True)
class Services:
    """What the nodes work with. `checkpointer` is None where a server brings its own."""

    settings: Settings
    models: Models
    memory: CaseMemory
    tools: Tools
    attachments: Workspaces
    prompts: Prompts
    checkpointer: BaseCheckpointSaver[Any] | None = None


@asynccontextmanager
async def open_services(settings: Settings, *, checkpoints: bool = True) -> AsyncIterator[Services]:
    """Open everything a run needs; what is expensive (models, case bank, tool servers) opens at first use.

    Args:
        settings: of this process.
        checkpoints: keep checkpoints in SQLite or PostgreSQL; False where a LangGraph server keeps them.

    Raises:
        ConfigurationError: the home folder or a configuration file cannot be used.
        CheckpointError: the checkpoint database cannot be opened.
    """
    prompts = await asyncio.to_thread(Prompts.load)
    await asyncio.to_thread(prepare_home, settings.home)
    async with AsyncExitStack() as stack:
        checkpointer = await stack.enter_async_context(open_checkpointer(settings)) if checkpoints else None
        memory = await stack.enter_async_context(open_case_memory(settings))
        tools = await stack.enter_async_context(open_tools(settings))
        models = ModelPool(settings)
        stack.push_async_callback(models.aclose)
        yield Services(settings, models, memory, tools, Workspaces(settings.home), prompts, checkpointer)


def closed_services(settings: Settings, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Services:
    """Services for a graph that is drawn or whose states are read, but that never runs."""
    closed = cast(Any, _Closed())
    return Services(settings, closed, closed, closed, closed, closed, checkpointer)


class _Closed:
    """Stands for a resource that was never opened."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"this graph was built for reading; {name} needs open_services()")


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[AsyncExitStack, Services]] = WeakKeyDictionary()


async def shared_services(settings: Settings) -> Services:
    """The services of this process for the running event loop, opened at the first call and kept until the loop ends.

    For servers that build the graph anew for every run. Nothing in them is state that a second worker would need.
    """
    loop = asyncio.get_running_loop()
    if loop not in _shared:
        stack = AsyncExitStack()
        _shared[loop] = (stack, await stack.enter_async_context(open_services(settings, checkpoints=False)))
    return _shared[loop][1]
