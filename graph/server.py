"""What langgraph.json names: the graph factory of a LangGraph API server, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langgraph_sdk.runtime import ServerRuntime

from configs.settings import load_settings
from graph.builder import build_graph
from graph.context import Context
from graph.services import closed_services, shared_services
from tools.sandbox.backends import refuse_in_server


@asynccontextmanager
async def make_graph(runtime: ServerRuntime[Context]) -> AsyncIterator[Any]:
    """The graph for one request. Only a run opens services; drawings, schemas and state reads open nothing.

    Raises:
        ConfigurationError: the settings name no sandbox, so that code would run with the server's rights.
    """
    settings = await asyncio.to_thread(load_settings)
    refuse_in_server(settings)
    if runtime.execution_runtime is None:
        yield build_graph(closed_services(settings))
    else:
        yield build_graph(await shared_services.get(settings))
