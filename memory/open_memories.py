"""The case memories open in this process: a home has one writer, so memories of the same home share its bank."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from configs.settings import Settings
from memory.case_memory import CaseMemory
from memory.learner import Learner
from memory.policies.base import PolicyOptions

if TYPE_CHECKING:
    from memory.case_bank import CaseBank

MODELS = "models"
_Key: TypeAlias = tuple[Path, str | None, str | None, int]


@dataclass(slots=True)
class _Open:
    bank: CaseBank
    learner: Learner
    users: int = 0


class _OpenBanks:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[_Key, _Open] = {}

    def take(self, settings: Settings) -> CaseMemory:
        from memory.case_bank import CaseBank

        with self._lock:
            key = _key(settings)
            if key not in self._open:
                options = PolicyOptions(settings.seed, settings.home / MODELS)
                self._open[key] = _Open(CaseBank(settings), Learner(options))
            self._open[key].users += 1
            return CaseMemory(self._open[key].bank, self._open[key].learner)

    def give_back(self, settings: Settings) -> None:
        with self._lock:
            held = self._open[_key(settings)]
            held.users -= 1
            if held.users == 0:
                del self._open[_key(settings)]
                try:
                    held.bank.save(held.learner)
                finally:
                    held.bank.close()


def _key(settings: Settings) -> _Key:
    return settings.home, settings.chroma_url, settings.embedding_model, settings.seed


_open_banks = _OpenBanks()


@asynccontextmanager
async def open_case_memory(settings: Settings) -> AsyncIterator[CaseMemory]:
    """The case memory of a home. Opening costs nothing; the bank opens at first use and closes with its last user."""
    memory = await asyncio.to_thread(_open_banks.take, settings)
    try:
        yield memory
    finally:
        await asyncio.shield(asyncio.to_thread(_open_banks.give_back, settings))
