"""A tool of an MCP server as a LangChain tool whose result is clean text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from tools.arguments import fit_arguments
from tools.caller import Caller, caller_of

Call = Callable[[dict[str, Any], Caller], Awaitable[str]]


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

    async def called(self, arguments: dict[str, Any], caller: Caller) -> str:
        """Call it for somebody. Raises as above."""
        schema = self.args_schema if isinstance(self.args_schema, dict) else {}
        return await self._call(fit_arguments(self.name, schema, arguments), caller)

    async def _arun(self, /, *, memento_config: RunnableConfig, **arguments: Any) -> str:
        """The name is one that no tool's argument has; LangChain finds the parameter by its type."""
        return await self.called(arguments, caller_of(memento_config))

    def _run(self, /, **arguments: Any) -> str:
        raise NotImplementedError("MCP tools are called with ainvoke")
