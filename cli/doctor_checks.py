"""What `memento doctor` looks at: one function a line; a line names the way to mend what it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from configs.errors import CaseBankError, ConfigurationError, MementoError
from configs.settings import Settings

Status = Literal["ok", "missing", "broken", "unused"]
PROBE = "How many days are there in a leap year?"


@dataclass(frozen=True, slots=True)
class Check:
    """One line. A `needed` one that is missing or broken means that no question can be answered."""

    name: str
    status: Status
    detail: str
    fix: str = ""
    needed: bool = True

    @property
    def stops(self) -> bool:
        return self.needed and self.status in ("missing", "broken")


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """Every line, in order, as soon as it is known."""
    from cli.doctor_models import model_checks
    from cli.doctor_tools import tool_checks

    home = await home_check(settings)
    yield home
    if home.stops:
        return
    async for check in model_checks(settings):
        yield check
    yield await embedding_check(settings)
    yield await case_bank_check(settings)
    yield await checkpoint_check(settings)
    async for check in tool_checks(settings):
        yield check


async def home_check(settings: Settings) -> Check:
    """Whether the home folder can be written."""
    from graph.home import prepare_home

    try:
        await asyncio.to_thread(prepare_home, settings.home)
    except ConfigurationError as error:
        return Check("home", "broken", str(error), "set MEMENTO_HOME to a folder of yours")
    return Check("home", "ok", str(settings.home))


async def embedding_check(settings: Settings) -> Check:
    """Whether a text can be embedded, and how fast."""
    from memory.embedding import make_embedder

    try:
        started = time.monotonic()
        embedder = make_embedder(settings)
        await asyncio.to_thread(embedder.embed, ["warm up"])
        loaded = time.monotonic()
        await asyncio.to_thread(embedder.embed, [PROBE])
        took = f"{(time.monotonic() - loaded) * 1000:.0f} ms a text, {loaded - started:.1f} s to load"
    except MementoError as error:
        return Check("embedding model", "broken", str(error), "unset MEMENTO_EMBEDDING_MODEL to use the bundled one")
    name = settings.embedding_model or "all-MiniLM-L6-v2, bundled"
    return Check("embedding model", "ok", f"{name}, {embedder.dimension} dimensions, {took}")


async def case_bank_check(settings: Settings) -> Check:
    """Whether the bank opens and agrees with its journal."""
    from memory.journal import replay
    from memory.open_memories import open_case_memory

    try:
        ledger = await asyncio.to_thread(replay, settings.home)
        async with open_case_memory(settings) as memory:
            await memory.search(PROBE, 1, settings.namespace)
    except CaseBankError as error:
        return Check("case bank", "broken", str(error), "see the message; nothing in the journal is lost")
    where = f"Chroma server, {settings.chroma_url}" if settings.chroma_url else "embedded Chroma"
    eligible = len(ledger.eligible(settings.namespace))
    return Check(
        "case bank", "ok", f"{len(ledger.entries)} cases, {eligible} for {settings.policy} to choose from, {where}"
    )


async def checkpoint_check(settings: Settings) -> Check:
    """Whether the checkpoint database opens."""
    from graph.runs import list_runs

    kind = "PostgreSQL" if settings.database_url else "SQLite"
    try:
        latest = await list_runs(settings, 1)
    except MementoError as error:
        return Check("checkpoints", "broken", str(error), "see the message")
    return Check(
        "checkpoints", "ok", f"{kind}, {'latest run ' + latest[0].result.thread_id if latest else 'no run yet'}"
    )
