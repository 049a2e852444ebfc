"""What our servers answer: clean text, and of wrong arguments one line, for every client and not only for ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.fastmcp.tools import Tool
from mcp.types import ContentBlock, TextContent
from pydantic import ValidationError

from tools.arguments import signature
from tools.result_text import validation_text, visible


class CleanServer(FastMCP[Any]):
    """A server whose results and errors hold no terminal escapes, control or invisible characters."""

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> Sequence[ContentBlock] | dict[str, Any]:
        """The tool's result.

        Raises:
            ToolError: it failed, or its arguments are wrong; one short text.
        """
        try:
            result: Sequence[ContentBlock] | dict[str, Any] = _clean(await super().call_tool(name, arguments))
            return result
        except ToolError as error:
            text = str(error)
            if isinstance(error.__cause__, ValidationError):
                text = f"Error executing tool {name}: {validation_text(str(error.__cause__))}"
            raise ToolError(visible(text)) from error


class StrictTool(Tool):
    """A tool that takes the arguments it lists and no others; FastMCP's own drops the others silently."""

    async def run(self, arguments: dict[str, Any], context: Any = None, convert_result: bool = False) -> Any:
        """The tool's result.

        Raises:
            ToolError: it failed, or its arguments are wrong or not known to it.
        """
        known = self.parameters["properties"]
        unknown = ", ".join(name[:50] for name in arguments if name not in known)
        if unknown:
            raise ToolError(
                f"Error executing tool {self.name}: unknown: {unknown}; it takes {signature(self.name, known)}"
            )
        return await super().run(arguments, context, convert_result)


def _clean(result: Any) -> Any:
    """The result's parts and structured content, with every text in them made visible."""
    if isinstance(result, TextContent):
        return result.model_copy(update={"text": visible(result.text)})
    if isinstance(result, str):
        return visible(result)
    if isinstance(result, dict):
        return {key: _clean(value) for key, value in result.items()}
    return type(result)(map(_clean, result)) if isinstance(result, list | tuple) else result
