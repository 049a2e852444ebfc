"""Runs plain functions as an MCP server over standard input and output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def serve(name: str, functions: Mapping[str, Callable[..., str]]) -> None:
    """Serve functions until standard input ends: their docstrings describe them, they change nothing anywhere.

    Args:
        name: the server's name.
        functions: tool name to function; annotated arguments, text result; ValueError is the tool's error.
    """
    from mcp.server.fastmcp import FastMCP
    from mcp.server.fastmcp.tools import Tool
    from mcp.types import ToolAnnotations

    hints = ToolAnnotations(readOnlyHint=True, destructiveHint=False, idempotentHint=True, openWorldHint=False)
    tools = [
        Tool.from_function(function, name=tool, annotations=hints, structured_output=False)
        for tool, function in functions.items()
    ]
    for tool in tools:
        tool.parameters = without_titles(tool.parameters)
    FastMCP(name, tools=tools, log_level="WARNING").run("stdio")


def without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema without the titles that pydantic derives from the names: tokens that tell a model nothing."""
    plain = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in plain:
        plain["properties"] = {name: without_titles(value) for name, value in plain["properties"].items()}
    return plain
