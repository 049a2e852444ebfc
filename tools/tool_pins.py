"""The tools of one server as they were first listed. A tool that changes later is blocked: what was read, approved and
learnt of it no longer holds, and a server could be trusted first and turn afterwards.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tools.listed_tool import ListedTool

MAX_TOOLS = 500
MAX_DESCRIPTION = 4_000
MAX_SCHEMA = 100_000
"""Characters of JSON."""
_logger = logging.getLogger(__name__)


class ToolPins:
    """Lives as long as the program holds the server, over all its restarts."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._first: dict[str, ListedTool] = {}
        self._blocked: set[str] = set()
        self._there: list[str] = []
        self.listings = 0

    def take(self, listed: Sequence[ListedTool]) -> None:
        """Note what the server lists now: new tools are taken up, changed ones blocked, missing ones left out."""
        named: dict[str, ListedTool] = {}
        for tool in listed:
            if not _usable(tool) or len(named) >= MAX_TOOLS:
                self._warn("is left out: its schema is none, or too large, or there are too many", tool.name)
            elif tool.name in named:
                self._warn("is listed twice; the first counts", tool.name)
            else:
                named[tool.name] = _bounded(tool)
        for name, tool in named.items():
            if _shape(self._first.setdefault(name, tool)) != _shape(tool) and name not in self._blocked:
                self._blocked.add(name)
                self._warn("has changed and is blocked", name)
        self._there = [name for name in named if name not in self._blocked]
        self.listings += 1

    def current(self) -> list[ListedTool]:
        """The tools that are there and unchanged, in the server's order, as they were first listed."""
        return [self._first[name] for name in self._there]

    def seconds(self, name: str) -> float | None:
        """How long a call of a tool may take, where the server says so."""
        tool = self._first.get(name)
        return tool.seconds if tool is not None else None

    def fault(self, name: str) -> str:
        """Why a tool must not be called, in words that go on after the server's name; empty if it may."""
        if name not in self._blocked:
            return ""
        return f"has changed its tool {name!r} since it was first listed; it is blocked until the program starts again"

    def _warn(self, what: str, name: str) -> None:
        _logger.warning("tool server %r: its tool %r %s", self._server, name[:100], what)


def _usable(tool: ListedTool) -> bool:
    """Whether the schema is one of an object with properties, which is all that providers take."""
    schema = tool.schema
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return False
    required = schema.get("required", [])
    sound = isinstance(schema.get("properties", {}), dict) and isinstance(required, list)
    return sound and len(json.dumps(schema)) <= MAX_SCHEMA


def _bounded(tool: ListedTool) -> ListedTool:
    if len(tool.description) <= MAX_DESCRIPTION:
        return tool
    left_out = len(tool.description) - MAX_DESCRIPTION
    return replace(tool, description=f"{tool.description[:MAX_DESCRIPTION]} [... {left_out:,} characters left out]")


def _shape(tool: ListedTool) -> tuple[str, str, str]:
    """What a model, a person and the durable steps were told of a tool."""
    return tool.description, _text(tool.schema), _text(tool.hints)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
