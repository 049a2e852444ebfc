"""A tool as its server lists it: what a model, a person and the durable steps are told of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from configs.errors import ToolServerError
from tools.servers.requests import SECONDS_KEY

if TYPE_CHECKING:
    from mcp import ClientSession

MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool.

    Attributes:
        schema: JSON schema of its arguments; whatever the server calls one.
        hints: the server's annotations that are set, such as `readOnlyHint`.
        seconds: how long a call may take, where the server says so.
    """

    name: str
    description: str
    schema: Any
    hints: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None

    def definition(self) -> dict[str, Any]:
        """As MCP writes it."""
        written = {"name": self.name, "description": self.description, "inputSchema": self.schema}
        told = {"annotations": self.hints, "_meta": {SECONDS_KEY: self.seconds} if self.seconds else {}}
        return written | {key: value for key, value in told.items() if value}


def read_definition(tool: Mapping[str, Any]) -> ListedTool:
    """The tool of a definition as MCP writes it.

    Raises:
        ValueError: it is none.
    """
    name, description = tool.get("name"), tool.get("description") or ""
    hints, meta = tool.get("annotations") or {}, tool.get("_meta") or {}
    if not isinstance(name, str) or not isinstance(description, str) or not isinstance(hints, dict):
        raise ValueError("no definition of a tool")
    seconds = meta.get(SECONDS_KEY) if isinstance(meta, dict) else None
    known = isinstance(seconds, int | float) and math.isfinite(seconds) and seconds > 0
    set_hints = {key: value for key, value in hints.items() if value is not None}
    return ListedTool(name, description, tool.get("inputSchema"), set_hints, seconds if known else None)


async def listed(session: ClientSession) -> list[ListedTool]:
    """The tools as the server lists them now.

    Raises:
        ToolServerError: the list goes on for ever. Faults of the session come as the library raises them.
    """
    from mcp.types import PaginatedRequestParams

    found: list[ListedTool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
        found += [read_definition(tool.model_dump(mode="json", by_alias=True)) for tool in page.tools]
        cursor = page.nextCursor
        if not cursor:
            return found
    raise ToolServerError("lists its tools without an end")
