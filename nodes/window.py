"""Keep a request within its tokens. Pure; tokens are counted approximately, see `nodes.token_count`.

What never falls out: system prompt, the question, the subtask, the last turns. Older turns become tool memory, one
line for each of their calls. What alone is too long is cut in its middle, and the cut says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from langchain_core.messages import BaseMessage, SystemMessage

from graph.state import ToolCallRecord
from nodes.cuts import cut_message, even_limit
from nodes.token_count import CHARS_PER_TOKEN, approximate
from nodes.tool_memory import memory_line, memory_text

LAST_TURNS = 2
TARGET = 0.7
"""Of the room: compacting makes more room than is needed at once, so that the requests after it begin the same and the
provider's prompt cache holds."""
MEMORY_SHARE = 0.25
LEAST = 60
"""Tokens every message keeps when all are cut."""
PASSES = 8
"""Of cutting: ids and names cannot be cut, so what they take beyond their share is taken from the others."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One reply of the model, what answered it, and the calls it made; goes as a whole or stays as a whole."""

    messages: Sequence[BaseMessage]
    calls: Sequence[ToolCallRecord] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is sent, and the calls that only the memory tells of."""

    messages: list[BaseMessage]
    remembered: list[ToolCallRecord]


def fit(
    request: Sequence[BaseMessage],
    history: Sequence[Exchange],
    room: int,
    remind: Callable[[str], BaseMessage],
    essential: Sequence[str] = (),
) -> Fitted:
    """The messages to send: the request, the memory of older exchanges, the last exchanges.

    Args:
        request: system and user message.
        history: oldest first.
        room: approximate tokens.
        remind: makes a message of the memory's text.
        essential: parts of the request that a cut spares, such as the question.
    """
    sizes, asked = [approximate(each.messages) for each in history], approximate(request)
    if asked + sum(sizes) <= room:
        return Fitted([*request, *(message for each in history for message in each.messages)], [])
    lines = [[memory_line(call) for call in each.calls] for each in history]
    share = int(room * MEMORY_SHARE)
    first = _first_kept(asked, sizes, lines, room, share)
    remembered = [line for each in lines[:first] for line in each]
    memory = [remind(memory_text(remembered, share * CHARS_PER_TOKEN))] if remembered else []
    messages = [*request, *memory, *(message for each in history[first:] for message in each.messages)]
    return Fitted(bounded(messages, room, essential), [call for each in history[:first] for call in each.calls])


def bounded(messages: Sequence[BaseMessage], room: int, essential: Sequence[str] = ()) -> list[BaseMessage]:
    """The messages with the longest of them cut until all of them fit; system messages stay as they are.

    The result is within `room` unless system messages and LEAST tokens of every other message take more.
    """
    sizes = [approximate([message]) for message in messages]
    if sum(sizes) <= room:
        return list(messages)
    free = [not isinstance(message, SystemMessage) for message in messages]
    cuttable = [size for size, may in zip(sizes, free, strict=True) if may]
    left = room - (sum(sizes) - sum(cuttable))
    cut = list(messages)
    for turn in range(PASSES):
        limit = max(even_limit(cuttable, left), LEAST) if turn < PASSES - 1 else LEAST
        cut = [
            cut_message(message, limit, essential) if may and size > limit else message
            for message, size, may in zip(messages, sizes, free, strict=True)
        ]
        excess = approximate(cut) - room
        if excess <= 0 or limit == LEAST:
            break
        left -= excess
    return cut


def _first_kept(request: int, sizes: Sequence[int], lines: Sequence[Sequence[str]], room: int, share: int) -> int:
    """Where the history still stands as it is, found by going through it as the subtask did.

    So it is the same at every step until the room is used up again.
    """
    upto = [0, *accumulate(sizes)]
    told = [0, *accumulate(sum(len(line) + 1 for line in each) // CHARS_PER_TOKEN for each in lines)]

    def size(first: int, end: int) -> int:
        return request + min(told[first], share) + upto[end] - upto[first]

    first = 0
    for end in range(1, len(sizes) + 1):
        if size(first, end) > room:
            while first < end - LAST_TURNS and size(first, end) > room * TARGET:
                first += 1
    return first
