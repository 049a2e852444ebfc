"""Keep one executor request within its token budget. Pure; the request itself always stays."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately

from nodes.prompts import shorten

CUT_CHARS = 200


def fit(request: Sequence[BaseMessage], history: Sequence[BaseMessage], budget: int) -> list[BaseMessage]:
    """The messages to send: `request` whole, then as much of `history` as fits.

    Older tool results are shortened first, then the oldest turns are dropped; a turn is an assistant message with
    everything that answers it, so that no tool answer ever stands alone. The last turn stays, shortened if it must be.

    Args:
        request: system and user message; never changed.
        history: the turns so far, oldest first.
        budget: tokens, counted approximately (four characters each).
    """
    turns = _turns(history)
    for position in range(len(turns) - 1):
        if _fits(request, turns, budget):
            break
        turns[position] = [_cut(message, CUT_CHARS) for message in turns[position]]
    while len(turns) > 1 and not _fits(request, turns, budget):
        turns.pop(0)
    if turns and not _fits(request, turns, budget):
        left = max(budget - count_tokens_approximately(request), 0) * 4
        turns[0] = [_cut(message, max(left // len(turns[0]), CUT_CHARS)) for message in turns[0]]
    return [*request, *(message for turn in turns for message in turn)]


def _turns(history: Sequence[BaseMessage]) -> list[list[BaseMessage]]:
    turns: list[list[BaseMessage]] = []
    for message in history:
        if isinstance(message, AIMessage) or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _fits(request: Sequence[BaseMessage], turns: Sequence[Sequence[BaseMessage]], budget: int) -> bool:
    return count_tokens_approximately([*request, *(message for turn in turns for message in turn)]) <= budget


def _cut(message: BaseMessage, limit: int) -> BaseMessage:
    if isinstance(message, AIMessage) or len(str(message.text)) <= limit:
        return message
    return message.model_copy(update={"content": shorten(str(message.text), limit)})
