"""A request that a model's context could not hold, made half as long. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.messages.utils import count_tokens_approximately

from nodes.prompts import shorten

LEAST_CHARS = 400


def half_as_long(messages: Sequence[BaseMessage]) -> list[BaseMessage] | None:
    """The same messages, the longest cut visibly in their middle until the request holds half of its tokens.

    System messages and the model's own stay as they are, so that each tool call keeps its answer. None where nothing
    can be cut.
    """
    wanted = count_tokens_approximately(messages) // 2
    limit = max((len(str(message.text)) for message in messages if _may_be_cut(message)), default=0)
    shorter = list(messages)
    while limit > LEAST_CHARS and count_tokens_approximately(shorter) > wanted:
        limit = max(limit // 2, LEAST_CHARS)
        shorter = [_cut(message, limit) for message in messages]
    return shorter if shorter != list(messages) else None


def _may_be_cut(message: BaseMessage) -> bool:
    return not isinstance(message, AIMessage | SystemMessage)


def _cut(message: BaseMessage, limit: int) -> BaseMessage:
    if not _may_be_cut(message) or len(str(message.text)) <= limit:
        return message
    return message.model_copy(update={"content": shorten(str(message.text), limit)})
