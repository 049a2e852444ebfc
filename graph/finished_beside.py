"""What branches of a round had used up before the round was taken up again: finished ones, and one that goes on.

LangGraph applies the writes of a round once all its branches are done; until then they are pending writes of the
round's checkpoint, and a state without them says nothing of what they cost.
"""

from __future__ import annotations

from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from graph.state import ModelCall, SubtaskResult

STEP_RESULT = "__return__"
"""The channel on which LangGraph keeps what a node's step gave."""
CHECKPOINTER = "__pregel_checkpointer"
"""Where LangGraph keeps the run's checkpointer for nested graphs; ours, or a server's own."""


async def finished_beside(config: RunnableConfig, checkpoint_id: str) -> tuple[list[ModelCall], list[SubtaskResult]]:
    """The model calls and results that wait in the round's checkpoint; nothing where none is kept.

    Args:
        config: of a node of the round.
        checkpoint_id: of the round.
    """
    pending = await _pending(config, checkpoint_id)
    calls = [call for channel, value in pending if channel == "model_calls" for call in value]
    results = [result for channel, value in pending if channel == "subtasks" for result in value]
    return calls, results


async def kept_calls(config: RunnableConfig, checkpoint_id: str, subtask: int) -> list[ModelCall]:
    """The model calls that the steps of a branch kept, in no order; a branch that has steps has some.

    Args:
        config: of a node of the round.
        checkpoint_id: of the round.
        subtask: which the branch carries out.
    """
    pending = await _pending(config, checkpoint_id)
    steps = [value for channel, value in pending if channel == STEP_RESULT and isinstance(value, dict)]
    calls = [call for step in steps if isinstance(call := step.get("call"), dict)]
    return [cast(ModelCall, call) for call in calls if call.get("subtask") == subtask]


async def _pending(config: RunnableConfig, checkpoint_id: str) -> list[tuple[str, Any]]:
    configurable: dict[str, Any] = config.get("configurable", {})
    saver = configurable.get(CHECKPOINTER)
    if not isinstance(saver, BaseCheckpointSaver) or not checkpoint_id:
        return []
    place = {"thread_id": configurable["thread_id"], "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
    found = await saver.aget_tuple({"configurable": place})
    writes = (found.pending_writes if found is not None else None) or []
    return [(channel, value) for _, channel, value in writes]
