"""How near texts are to a query in meaning, by the bundled MiniLM."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


async def nearness(query: str, texts: Sequence[str]) -> list[float]:
    """The cosine of each text with the query, in order; 256 tokens of each are read.

    Raises:
        ConfigurationError: the model's package is not installed.
    """
    return await asyncio.to_thread(_nearness, query, texts)


def _nearness(query: str, texts: Sequence[str]) -> list[float]:
    from memory.minilm import MiniLM

    vectors = MiniLM().embed([query, *texts])
    return [float(cosine) for cosine in vectors[1:] @ vectors[0]]
