"""The live resources of one process: opened once, shared by every run, bound into the nodes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from langgraph.checkpoint.base import BaseCheckpointSaver

from configs.prices import load_prices
from configs.settings import Settings
from graph.checkpoints import open_checkpointer, settled
from graph.home import prepare_home
from graph.masked_tools import MaskedTools
from graph.models import ModelPool
from graph.result_store import StoredResults
from graph.running import RunsHere
from graph.telling import Teller
from graph.watching import open_teller
from graph.workspaces import Workspaces
from memory.case_memory import CaseMemory
from memory.open_memories import open_case_memory
from nodes.execute import Tools
from nodes.language_model import Models
from nodes.prompts import Prompts
from nodes.running import Runs
from nodes.whole_results import ResultStore
from tools.client import open_tools


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Services:
    """What the nodes work with. `checkpointer` is None where a server brings its own."""

    settings: Settings
    runs: Runs
    models: Models
    memory: CaseMemory
    tools: Tools
    attachments: Workspaces
    results: ResultStore
    prompts: Prompts
    checkpointer: BaseCheckpointSaver[Any] | None = None
    teller: Teller = field(default_factory=Teller)


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
    prices = await asyncio.to_thread(load_prices, settings.home)
    async with AsyncExitStack() as stack:
        checkpointer = await stack.enter_async_context(open_checkpointer(settings)) if checkpoints else None
        memory = await stack.enter_async_context(open_case_memory(settings))
        teller = await stack.enter_async_context(open_teller(settings))
        tools = MaskedTools(await stack.enter_async_context(open_tools(settings)), teller.mask)
        models = ModelPool(settings)
        stack.push_async_callback(models.aclose)
        runs = RunsHere(settings, prices, partial(settled, checkpointer), teller)
        workspaces = Workspaces(settings.home, settings.workspace_bytes)
        results = StoredResults(workspaces)
        yield Services(settings, runs, models, memory, tools, workspaces, results, prompts, checkpointer, teller)


def closed_services(settings: Settings, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Services:
    """Services for a graph that is drawn or whose states are read, but that never runs."""
    closed = cast(Any, _Closed())
    return Services(settings, closed, closed, closed, closed, closed, closed, closed, checkpointer)


class _Closed:
    """Stands for a resource that was never opened."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"this graph was built for reading; {name} needs open_services()")


class SharedServices:
    """The services of a server that builds the graph anew for every run and runs them on several event loops.

    Case memory and tools belong to no loop and are opened once; the models' connections belong to one, so each loop
    gets models of its own. All stay open until the process ends. Nothing in them is state a second worker would need.
    """

    def __init__(self) -> None:
        self._opening = threading.Lock()
        self._opened: Services | None = None
        self._models: WeakKeyDictionary[asyncio.AbstractEventLoop, ModelPool] = WeakKeyDictionary()
        self._stack = AsyncExitStack()

    async def get(self, settings: Settings) -> Services:
        """The services for a run on the running loop."""
        while self._opened is None:  # never waits for the lock, so that a cancelled run cannot be left holding it
            if not self._opening.acquire(blocking=False):
                await asyncio.sleep(0.05)
                continue
            try:
                self._opened = await self._stack.enter_async_context(open_services(settings, checkpoints=False))
            finally:
                self._opening.release()
        models = self._models.setdefault(asyncio.get_running_loop(), ModelPool(settings))
        return replace(self._opened, models=models)


shared_services = SharedServices()
