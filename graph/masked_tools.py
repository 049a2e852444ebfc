"""Tools whose results hold none of this process's secrets: not for the model, nor for a trace, a checkpoint or a case.

The tool is wrapped where LangChain calls it, so that callbacks such as LangSmith's see the masked text too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool
from pydantic import PrivateAttr

from configs.errors import ToolCallError, ToolServerError
from graph.masking import Mask
from graph.workspaces import folder_name
from nodes.execute import Tools
from tools.caller import Caller
from tools.remote_tool import RemoteTool
from tools.servers.requests import DEFAULT


class MaskedTool(BaseTool):
    """Another tool with its name, schema and annotations."""

    _tool: BaseTool = PrivateAttr()
    _mask: Mask = PrivateAttr()

    def __init__(self, tool: BaseTool, mask: Mask) -> None:
        super().__init__(
            name=tool.name, description=tool.description, args_schema=tool.args_schema, metadata=tool.metadata
        )
        self._tool, self._mask = tool, mask

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **options: Any) -> Any:
        """As LangChain does it where somebody hears of tools; else straight, for the way costs a third of a call."""
        config = ensure_config(config)
        if options or not isinstance(input, dict) or input.get("type") == "tool_call" or _heard(config):
            return await super().ainvoke(input, config, **options)
        return await self._arun(memento_config=config, **input)

    async def _arun(self, /, *, memento_config: RunnableConfig, **arguments: Any) -> Any:
        """As `RemoteTool._arun`; the configuration names the thread and the task, see `nodes.tool_config`."""
        try:
            if isinstance(self._tool, RemoteTool):
                return self._mask.known_in(await self._tool.called(arguments, _caller(memento_config)))
            return self._mask.known_in(await self._tool._arun(**arguments))
        except (ToolCallError, ToolServerError) as error:
            text = str(error)
            if (masked := self._mask.known(text)) == text:
                raise
            raise type(error)(masked) from None

    def _run(self, /, **arguments: Any) -> Any:
        raise NotImplementedError("tools are called with ainvoke")


def _heard(config: RunnableConfig) -> bool:
    """Whether a callback, such as LangSmith's, is told of tool calls."""
    manager = AsyncCallbackManager.configure(config.get("callbacks"))
    return any(not handler.ignore_agent for handler in manager.handlers)


def _caller(config: RunnableConfig) -> Caller:
    """Whose call it is. Only a task of the graph has a `task_id`."""
    told = config.get("configurable") or {}
    task, thread = told.get("task_id"), told.get("thread_id")
    if not isinstance(task, str) or not isinstance(thread, str):
        return Caller()
    return Caller(folder_name(thread) if thread else DEFAULT, task, told.get("progress"))


@dataclass(frozen=True, slots=True)
class MaskedTools:
    """Implements `nodes.execute.Tools`."""

    tools_of: Tools
    mask: Mask
    _masked: dict[str, tuple[BaseTool, MaskedTool]] = field(default_factory=dict)

    async def tools(self) -> list[BaseTool]:
        """Every tool there is; starts the servers at first use."""
        return [self._wrapped(tool) for tool in await self.tools_of.tools()]

    def failures(self) -> dict[str, str]:
        """The servers that did not start, and why, one line each."""
        return {name: self.mask.text(reason) for name, reason in self.tools_of.failures().items()}

    def _wrapped(self, tool: BaseTool) -> BaseTool:
        known = self._masked.get(tool.name)
        if known is None or known[0] is not tool:
            known = self._masked[tool.name] = (tool, MaskedTool(tool, self.mask))
        return known[1]
