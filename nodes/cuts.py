"""Cut what is too long, visibly, and never what must stay. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.tool import tool_call

from nodes.token_count import CHARS_PER_TOKEN, approximate
from nodes.whole_results import SHOWN

MARK_CHARS = 44
"""For "[... 1,234,567 characters left out ...]" and the line ends around it."""


def even_limit(sizes: Sequence[int], room: int) -> int:
    """The largest limit such that all sizes, cut to it, fit into `room`; what is small leaves room for the others."""
    left, ordered = max(room, 0), sorted(sizes)
    for index, size in enumerate(ordered):
        share = left // (len(ordered) - index)
        if size > share:
            return share
        left -= size
    return ordered[-1] if ordered else 0


def cut_text(text: str, limit: int, essential: Sequence[str] = ()) -> str:
    """The text within `limit` characters: cut in the middle, between and around the essential parts it holds.

    Essential parts that together are too long are cut as well; a limit below MARK_CHARS is not kept.
    """
    if len(text) <= limit:
        return text
    pieces = _split(text, essential)
    spared = sum(len(piece) for piece, must_stay in pieces if must_stay)
    others = [len(piece) for piece, must_stay in pieces if not must_stay]
    if spared + MARK_CHARS * len(others) > limit:
        return _middle(text, limit)
    share = even_limit(others, limit - spared)
    return "".join(piece if must_stay else _middle(piece, share) for piece, must_stay in pieces)


def cut_message(message: BaseMessage, limit: int, essential: Sequence[str] = ()) -> BaseMessage:
    """The message within about `limit` approximate tokens, its ids and the names of its tool calls kept."""
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    text = str(message.text)
    mark = SHOWN.search(text)
    essential = (*essential, mark[0]) if mark is not None else essential
    bare = approximate([_with(message, "", [{} for _ in calls])])
    lengths = [len(text), *(len(_json(call["args"])) for call in calls)]
    room = (limit - bare) * CHARS_PER_TOKEN
    cut = message
    for _ in range(4):  # quotes and escapes make some texts longer than they count
        share = even_limit(lengths, room)
        cut = _with(message, cut_text(text, share, essential), [cut_arguments(call["args"], share) for call in calls])
        excess = approximate([cut]) - limit
        if excess <= 0:
            break
        room -= (excess + 1) * CHARS_PER_TOKEN
    return cut


def cut_arguments(arguments: dict[str, Any], limit: int) -> dict[str, Any]:
    """A tool call's arguments within about `limit` characters of JSON, long values cut and still under their names."""
    if len(_json(arguments)) <= limit:
        return arguments
    texts = {name: value if isinstance(value, str) else _json(value) for name, value in arguments.items()}
    names = sum(len(name) + 6 for name in texts)
    share = even_limit([len(text) for text in texts.values()], limit - names)
    cut = {
        name: value if len(texts[name]) <= share else _middle(texts[name], share) for name, value in arguments.items()
    }
    return cut if len(_json(cut)) <= max(limit, MARK_CHARS + names) else {"cut": _middle(_json(arguments), limit)}


def _with(message: BaseMessage, text: str, arguments: Sequence[dict[str, Any]]) -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message.model_copy(update={"content": text})
    calls = [
        tool_call(name=call["name"], args=own, id=call["id"])
        for call, own in zip(message.tool_calls, arguments, strict=True)
    ]
    return message.model_copy(update={"content": text, "tool_calls": calls})


def _split(text: str, essential: Sequence[str]) -> list[tuple[str, bool]]:
    """The text in pieces, and which of them must stay; of an essential part that stands there twice, the last."""
    found = sorted((text.rfind(part), len(part)) for part in set(essential) if part and part in text)
    pieces: list[tuple[str, bool]] = []
    at = 0
    for start, length in found:
        if start < at:  # inside another one
            continue
        pieces += [(text[at:start], False), (text[start : start + length], True)]
        at = start + length
    return [piece for piece in (*pieces, (text[at:], False)) if piece[0]]


def _middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    kept = max(limit - MARK_CHARS, 0)
    head, tail = kept * 2 // 3, kept - kept * 2 // 3
    end = text[-tail:] if tail else ""
    return f"{text[:head]}\n[... {len(text) - head - tail:,} characters left out ...]\n{end}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
