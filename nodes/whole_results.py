"""Long tool results: shown shortened, kept whole, and read on where the model asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from langchain_core.tools import BaseTool

from nodes.prompts import shorten


@dataclass(slots=True)
class WholeResults:
    """The results of one run's tool calls. `limit` is what is shown of one, in characters."""

    limit: int

    async def shown(self, text: str) -> str:
        """What the model sees of a result."""
        return shorten(text, self.limit)

    def tools(self) -> list[BaseTool]:
        """What reads on; nothing while nothing was kept."""
        return []
