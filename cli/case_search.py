"""Search in the case bank, also while another process holds it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cli.output import say
from configs.errors import CaseBankError
from memory.case_memory import ScoredCase
from memory.open_memories import open_case_memory

if TYPE_CHECKING:
    from configs.settings import Settings


async def nearest_cases(settings: Settings, text: str, limit: int) -> list[ScoredCase]:
    """The cases nearest to a text by cosine: from the index, or, where that is in use, by comparing every case.

    Raises:
        InvalidInputError: the text is empty.
        CaseBankError: the journal cannot be read either.
    """
    from nodes.retrieve_cases import check_question

    text = check_question(text)
    try:
        async with open_case_memory(settings) as memory:
            return await memory.search(text, limit, settings.namespace)
    except CaseBankError as error:
        say(f"{error}; comparing every case instead, which is slower", "yellow")
        return await asyncio.to_thread(_compared, settings, text, limit)


def _compared(settings: Settings, text: str, limit: int) -> list[ScoredCase]:
    from memory.embedding import make_embedder
    from memory.journal import replay

    cases = list(replay(settings.home).eligible(settings.namespace).values())
    if not cases:
        return []
    vectors = make_embedder(settings).embed([text, *(case.task for case in cases)])
    scores = vectors[1:] @ vectors[0]
    ranked = sorted(zip(scores.tolist(), cases, strict=True), key=lambda pair: -pair[0])
    return [ScoredCase(case, score) for score, case in ranked[:limit]]
