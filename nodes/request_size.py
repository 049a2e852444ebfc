"""How large a request of any role may become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import BaseMessage

from nodes.token_count import TokenCounts, approximate
from nodes.window import bounded


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Keeps the requests of one run within bounds and learns from what their providers report.

    Attributes:
        limit: tokens of one request, as its provider counts them; None sets none.
        essential: what a cut spares in every request, such as the question.
    """

    limit: int | None = None
    counts: TokenCounts = field(default_factory=TokenCounts)
    essential: Sequence[str] = ()

    def room(self, model_name: str, tools: Sequence[dict[str, Any]] = ()) -> int:
        """The approximate tokens that messages may take next to the tool schemas."""
        return self.counts.room(model_name, self.limit, tools) if self.limit is not None else 1_000_000_000

    def bounded(
        self, model_name: str, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] = ()
    ) -> list[BaseMessage]:
        """The messages as they may be sent, see `nodes.window.bounded`."""
        return bounded(messages, self.room(model_name, tools), self.essential)

    def learn(
        self, model_name: str, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], reported: int
    ) -> None:
        """Take up what the provider says a request had."""
        self.counts.learn(model_name, approximate(messages, tools), reported)
