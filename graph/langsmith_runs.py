"""LangSmith by its usual variables. langchain-core sends the runs; here they lose their secrets and are flushed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.events import Event
from graph.masking import Mask
from graph.telling import RunName

if TYPE_CHECKING:
    from langsmith import Client

CLOSE_SECONDS = 3.0


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

    return LangSmithRuns(get_cached_client(anonymizer=masked))


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
        flush = threading.Thread(target=self.client.flush, name="memento-langsmith", daemon=True)
        flush.start()
        flush.join(CLOSE_SECONDS)
