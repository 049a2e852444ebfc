"""The tool calls of one reply, made so that each can be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool call a model asks for.

    `fault` says why it cannot be run, `note` what the model must know of a call that ran; both in words for the model.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    fault: str | None = None
    note: str = ""


def answerable(requests: Sequence[ToolRequest]) -> list[ToolRequest]:
    """The requests, each with an id of its own."""
    seen: set[str] = set()
    unique: list[ToolRequest] = []
    for number, request in enumerate(requests):
        own = request.id if request.id not in seen else f"{request.id}-{number}"
        seen.add(own)
        unique.append(replace(request, id=own))
    return unique
