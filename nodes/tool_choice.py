"""Which tools one subtask is offered: few, because every schema is paid for in every request.

The tools that solved earlier subtasks like this one come first, then the nearest by meaning; the others stay within
reach through `find_tools`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

FIND = "find_tools"
FOUND_AT_ONCE = 4
SCHEMAS_KEPT = 1024

Similarities: TypeAlias = Callable[[str, Sequence[str]], Awaitable[list[float]]]
"""How near each of some texts is to a text, by cosine."""


class FindTools(BaseModel):
    """What find_tools takes."""

    need: str


@dataclass(slots=True)
class ToolShelf:
    """The tools of one subtask: `offered` go with every request and grow when `find_tools` is called."""

    tools: Mapping[str, BaseTool]
    similarities: Similarities
    offered: list[BaseTool] = field(default_factory=list)

    def callable_tools(self) -> dict[str, BaseTool]:
        """Every tool that can be called, offered or not, by name."""
        by_name = dict(self.tools)
        by_name.update((tool.name, tool) for tool in self.offered)
        return by_name

    async def fill(self, subtask: str, proven: Iterable[str], limit: int) -> None:
        """Offer all tools if they are at most `limit`; else the proven ones and the nearest, and `find_tools`."""
        if len(self.tools) <= limit:
            self.offered = list(self.tools.values())
            return
        ranked = dict.fromkeys([*(name for name in proven if name in self.tools), *await self._nearest(subtask)])
        self.offered = [*(self.tools[name] for name in list(ranked)[:limit]), self._find_tool()]

    async def find(self, need: str) -> str:
        """Offer the tools nearest to a need that are not offered yet, and name them."""
        there = {tool.name for tool in self.offered}
        found = [name for name in await self._nearest(need) if name not in there][:FOUND_AT_ONCE]
        self.offered.extend(self.tools[name] for name in found)
        lines = [f"{name}: {summary(self.tools[name])}" for name in found]
        return "\n".join(["These can be called from now on:", *lines]) if found else "There are no other tools."

    async def _nearest(self, need: str) -> list[str]:
        names = list(self.tools)
        scores = await self.similarities(need, [f"{name}: {summary(self.tools[name])}" for name in names])
        return [name for _, name in sorted(zip(scores, names, strict=True), key=lambda pair: -pair[0])]

    def _find_tool(self) -> BaseTool:
        return StructuredTool(
            coroutine=self.find,
            name=FIND,
            description="Find more tools, by what they should do.",
            args_schema=FindTools,
            handle_validation_error="find_tools takes one text: need",
        )


def summary(tool: BaseTool) -> str:
    """The first line of a tool's description."""
    return (tool.description or "").strip().partition("\n")[0]


def compact_schema(tool: BaseTool) -> dict[str, Any]:
    """The tool as OpenAI takes it, without the titles that generators add and no model needs. Not to be changed."""
    schema = tool.args_schema
    parameters = json.dumps(schema) if isinstance(schema, dict) else schema
    return _compacted(tool.name, tool.description, parameters)


@functools.lru_cache(maxsize=SCHEMAS_KEPT)
def _compacted(name: str, description: str, parameters: Any) -> dict[str, Any]:
    schema = json.loads(parameters) if isinstance(parameters, str) else parameters.model_json_schema()
    found = convert_to_openai_tool({**schema, "title": name, "description": description})
    found["function"]["parameters"] = _without_titles(found["function"].get("parameters", {}))
    return found


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    if isinstance(properties := kept.get("properties"), dict):  # a parameter may itself be named title
        kept["properties"] = {name: _without_titles(each) for name, each in properties.items()}
    return {key: value if key == "properties" else _without_titles(value) for key, value in kept.items()}
