"""A tool of an MCP server as a LangChain tool whose result is clean text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from tools.arguments import fit_arguments

Call = Callable[[dict[str, Any]], Awaitable[str]]


class RemoteTool(BaseTool):
    """`ainvoke(arguments)` gives text. `args_schema` is the JSON schema as the server publishes it; `metadata` holds
    the server's annotations (`readOnlyHint`, `destructiveHint`, ...), `server` and `tool`, its name there.

    Raises on a call:
        ToolCallError: bad arguments, or the tool's own error; meant for the model.
        ToolServerError: the server died, hangs or is closed.
    """

    _call: Call = PrivateAttr()

    def __init__(self, call: Call, **fields: Any) -> None:
        super().__init__(**fields)
        self._call = call

    async def _arun(self, /, **arguments: Any) -> str:
        schema = self.args_schema if isinstance(self.args_schema, dict) else {}
        return await self._call(fit_arguments(self.name, schema, arguments))

    def _run(self, /, **arguments: Any) -> str:
        raise NotImplementedError("MCP tools are called with ainvoke")
