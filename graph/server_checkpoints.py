"""A server's own checkpointer does not say when it has stored a step; where that matters, it is asked until it has."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.config import get_config

from configs.errors import CheckpointError

CHECKPOINTER, DURABILITY, PARENTS = "__pregel_checkpointer", "__pregel_durability", "checkpoint_map"
"""Where LangGraph keeps them in the configuration of a node; if it no longer did, nothing would be waited for."""
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.01


async def stored(token: str) -> None:
    """Wait until the checkpointer of the running node's graph has the step whose result holds `token`.

    Raises:
        CheckpointError: it has not within 10 seconds.
    """
    known = get_config().get("configurable", {})
    saver, checkpoint_id = known.get(CHECKPOINTER), (known.get(PARENTS) or {}).get("")
    if not isinstance(saver, BaseCheckpointSaver) or checkpoint_id is None or known.get(DURABILITY) == "exit":
        return
    where: RunnableConfig = {
        "configurable": {"thread_id": known["thread_id"], "checkpoint_ns": "", "checkpoint_id": checkpoint_id}
    }
    deadline = time.monotonic() + WAIT_SECONDS
    while not await _has(saver, where, token):
        if time.monotonic() > deadline:
            raise CheckpointError(f"the server has not stored a step within {WAIT_SECONDS:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


async def _has(saver: BaseCheckpointSaver[Any], where: RunnableConfig, token: str) -> bool:
    found = await saver.aget_tuple(where)
    writes = (found.pending_writes or []) if found is not None else []
    return any(isinstance(value, list) and token in value for _, _, value in writes)
