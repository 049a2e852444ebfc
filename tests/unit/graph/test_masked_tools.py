"""Who hears of a masked tool's calls."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.tools import BaseTool

from configs.errors import ToolCallError
from graph.masked_tools import MaskedTool
from graph.masking import Mask
from tools.caller import Caller
from tools.remote_tool import RemoteTool

SECRET = "a-secret-of-some-length"


class Heard(AsyncCallbackHandler):
    """Notes what it is told of tools."""

    def __init__(self, *, tools: bool) -> None:
        self.told: list[str] = []
        self._tools = tools

    @property
    def ignore_agent(self) -> bool:
        return not self._tools

    async def on_tool_start(self, serialized: dict[str, Any], input_str: str, **options: Any) -> None:
        self.told.append(input_str)

    async def on_tool_end(self, output: Any, **options: Any) -> None:
        self.told.append(output)


def masked() -> BaseTool:
    async def call(arguments: dict[str, Any], caller: Caller) -> str:
        if arguments["text"] == "fail":
            raise ToolCallError(f"no: {SECRET}")
        return f"{arguments['text']} {SECRET} for {caller.task}"

    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    return MaskedTool(RemoteTool(call, name="echo", description="Echo.", args_schema=schema), Mask.of([SECRET]))


@pytest.mark.parametrize("tools", [True, False])
async def test_a_call_is_the_same_whether_or_not_a_callback_hears_of_tools(tools: bool) -> None:
    heard = Heard(tools=tools)
    config: Any = {"configurable": {"thread_id": "", "task_id": "7"}, "callbacks": [heard]}
    result = await masked().ainvoke({"text": "hi"}, config)
    assert result.startswith("hi ") and result.endswith(" for 7") and SECRET not in result
    assert heard.told == (["{'text': 'hi'}", result] if tools else [])
    with pytest.raises(ToolCallError) as failed:
        await masked().ainvoke({"text": "fail"}, config)
    assert SECRET not in str(failed.value)
