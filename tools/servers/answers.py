"""What our servers answer: clean text, and of wrong arguments one line, for every client and not only for ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.types import ContentBlock, TextContent
from pydantic import ValidationError

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


def _clean(result: Any) -> Any:
    """The result's parts and structured content, with every text in them made visible."""
    if isinstance(result, TextContent):
        return result.model_copy(update={"text": visible(result.text)})
    if isinstance(result, str):
        return visible(result)
    if isinstance(result, dict):
        return {key: _clean(value) for key, value in result.items()}
    return type(result)(map(_clean, result)) if isinstance(result, list | tuple) else result
