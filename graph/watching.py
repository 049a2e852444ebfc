"""Who hears what the runs of this process tell: traces, OpenTelemetry, LangSmith, each where it is switched on."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from configs.settings import Settings, export_dotenv
from graph.langsmith_runs import open_langsmith
from graph.masking import mask_of
from graph.telemetry import open_telemetry
from graph.telling import Listener, Teller
from graph.traces import TraceWriter

FOREIGN_PREFIXES = ("OTEL_", "LANGSMITH_", "LANGCHAIN_")


@asynccontextmanager
async def open_teller(settings: Settings) -> AsyncIterator[Teller]:
    """A teller for the runs of a process; on leaving, and at the process's end, what is left is written and sent."""
    teller = await asyncio.to_thread(_teller, settings)
    atexit.register(teller.close)
    try:
        yield teller
    finally:
        atexit.unregister(teller.close)
        await asyncio.shield(asyncio.to_thread(teller.close))


def _teller(settings: Settings) -> Teller:
    export_dotenv(FOREIGN_PREFIXES)
    mask = mask_of(settings)
    traces: list[Listener | None] = [TraceWriter(settings.home)] if settings.traces else []
    found = [*traces, open_telemetry(), open_langsmith(mask)]
    return Teller(mask, [each for each in found if each is not None])
