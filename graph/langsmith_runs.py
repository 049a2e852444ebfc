"""LangSmith by its usual variables. langchain-core sends the runs; here they lose their secrets and are flushed."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.events import Event
from graph.masking import Mask
from graph.quiet_logs import log_once
from graph.telling import RunName

if TYPE_CHECKING:
    from langsmith import Client

CLOSE_SECONDS = 2.0
TIMEOUTS = (5_000, 20_000)
"""Milliseconds to connect and to send."""


def open_langsmith(mask: Mask) -> LangSmithRuns | None:
    """What waits for LangSmith at the end; None where LANGSMITH_TRACING does not switch it on.

    Makes the client that langchain-core uses, unless the process has one already, so that all inputs, outputs,
    errors and metadata pass the mask.
    """
    from langsmith.run_trees import get_cached_client
    from langsmith.utils import tracing_is_enabled

    if not tracing_is_enabled():
        return None

    def masked(value: dict[str, Any]) -> dict[str, Any]:
        kept: dict[str, Any] = mask.value(value)
        return kept

    os.environ.setdefault("LANGSMITH_USE_DAEMON", "true")  # a LangSmith that is not there must not hold up the exit
    log_once(["langsmith.client"])
    return LangSmithRuns(get_cached_client(anonymizer=masked, timeout_ms=TIMEOUTS))


@dataclass(frozen=True, slots=True)
class LangSmithRuns:
    """Implements `graph.telling.Listener`; hears nothing, since langchain-core tells LangSmith itself."""

    client: Client

    def heard(self, run: RunName, event: Event) -> None:
        """Nothing to do."""

    def fault(self) -> None:
        """LangSmith's client logs its own."""

    async def settled(self) -> None:
        """Nothing is waited for while runs go on."""

    def close(self) -> None:
        """Wait a few seconds at most for what is still to be sent; the thread ends with the process."""
        flush = threading.Thread(target=self.client.flush, args=(CLOSE_SECONDS,), name="memento-langsmith", daemon=True)
        flush.start()
        flush.join(CLOSE_SECONDS)
