"""A planner and an executor that never come to an end of themselves, and a tool that hangs: what budgets are for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool

from tests.fakes.scripted_model import Request, ScriptedModel, Step, calls
from tools.caller import Caller
from tools.client import ToolBox
from tools.remote_tool import RemoteTool

ANSWER = '{"final_answer": "as far as it is known"}'
LAST_CALL = "No further tasks can be run"


def side_by_side(*descriptions: str) -> str:
    """A plan whose subtasks depend on nothing."""
    tasks = [{"id": each, "description": text, "depends_on": []} for each, text in enumerate(descriptions, 1)]
    return json.dumps({"plan": tasks})


def endless_planner(*descriptions: str) -> ScriptedModel:
    """Plans for ever, and answers when it is told to."""
    return ScriptedModel(
        [
            Step(ANSWER, when=LAST_CALL, times=None),
            Step(side_by_side(*(descriptions or ["Add for ever."])), times=None),
        ]
    )


def endless_executor(delay: float = 0.0, words: int = 40) -> ScriptedModel:
    """Adds other numbers for ever, and says something with it."""
    made = iter(range(1_000_000))

    def more(_: Request) -> AIMessage:
        number = next(made)
        return calls(("add", {"a": number, "b": 1}), content="word " * words, prefix=f"call_{number}")

    return ScriptedModel([Step(more, times=None, delay=delay)])


@dataclass
class SlowTools:
    """The real tools, of which `add` takes so long; `cancelled` counts the calls that were ended meanwhile."""

    box: ToolBox
    seconds: float
    cancelled: int = 0

    async def tools(self) -> list[BaseTool]:
        return [self._slowed(tool) if tool.name == "add" else tool for tool in await self.box.tools()]

    def failures(self) -> dict[str, str]:
        return {}

    def _slowed(self, tool: BaseTool) -> BaseTool:
        async def call(arguments: dict[str, Any], _: Caller) -> str:
            try:
                await asyncio.sleep(self.seconds)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return str(await tool.ainvoke(arguments))

        schema = tool.args_schema
        return RemoteTool(call, name="add", description=tool.description, args_schema=schema, metadata=tool.metadata)
