"""What branches of a round had used up that were finished before the round was taken up again.

LangGraph applies the writes of a round once all its branches are done; until then they are pending writes of the
round's checkpoint, and a state without them says nothing of what they cost.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver

from graph.state import ModelCall, SubtaskResult

CHECKPOINTER = "__pregel_checkpointer"
"""Where LangGraph keeps the run's checkpointer for nested graphs; ours, or a server's own."""


async def finished_beside(config: RunnableConfig, checkpoint_id: str) -> tuple[list[ModelCall], list[SubtaskResult]]:
    """The model calls and results that wait in the round's checkpoint; nothing where none is kept.

    Args:
        config: of a node of the round.
        checkpoint_id: of the round.
    """
    configurable: dict[str, Any] = config.get("configurable", {})
    saver = configurable.get(CHECKPOINTER)
    if not isinstance(saver, BaseCheckpointSaver) or not checkpoint_id:
        return [], []
    place = {"thread_id": configurable["thread_id"], "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
    found = await saver.aget_tuple({"configurable": place})
    pending = (found.pending_writes if found is not None else None) or []
    calls = [call for _, channel, value in pending if channel == "model_calls" for call in value]
    results = [result for _, channel, value in pending if channel == "subtasks" for result in value]
    return calls, results
