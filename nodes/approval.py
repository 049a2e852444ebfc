"""What waits for a person before it happens: plans, tool calls, code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from langchain_core.tools import BaseTool

from graph.state import Subtask
from nodes.running import Running
from nodes.tool_requests import ToolRequest


def review_calls(
    running: Running, subtask: int, requests: Sequence[ToolRequest], tools: Mapping[str, BaseTool]
) -> list[ToolRequest]:
    """The tool calls of one reply as they may run: as asked for, edited, or refused, with the reason as `fault`."""
    return list(requests)


def review_plan(running: Running, plan: Sequence[Subtask], earlier: Sequence[Subtask]) -> list[Subtask]:
    """The new subtasks as they may be carried out: as planned, or edited."""
    return list(plan)
