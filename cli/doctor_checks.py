"""What `memento doctor` looks at: one function a line; a line names the way to mend what it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, TypeAlias

from configs.errors import CaseBankError, ConfigurationError, MementoError
from configs.settings import Settings

Status = Literal["ok", "missing", "broken", "unused"]
WaitingFor: TypeAlias = Callable[[Sequence[str]], None]
"""Is told the names of the lines that are not known yet."""
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


async def checks(settings: Settings, waiting_for: WaitingFor = lambda names: None) -> list[Check]:
    """Every line, in order. What is looked at by other processes is looked at side by side, and beside the rest."""
    from cli.doctor_tools import tool_checks

    home = await home_check(settings)
    if home.stops:
        return [home]
    embedding = await embedding_check(settings)  # alone, because it is timed
    await asyncio.to_thread(_load)
    (models, bank, checkpoints), tools = await asyncio.gather(_inside(settings), tool_checks(settings, waiting_for))
    return [home, *models, embedding, bank, checkpoints, *tools]


def _load() -> None:
    """Import what the lines need that are looked at side by side: circular imports are entered at one end."""
    for module in ("tools.server_loop", "graph.runs", "memory.open_memories"):
        import_module(module)


async def _inside(settings: Settings) -> tuple[list[Check], Check, Check]:
    """The lines that take this process's own time."""
    from cli.doctor_models import model_checks

    models = [check async for check in model_checks(settings)]
    return models, await case_bank_check(settings), await checkpoint_check(settings)


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
