"""What goes with a tool call beside its arguments, where no model writes: whose call it is, and who hears of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeAlias

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from nodes.running import Running
from nodes.tool_requests import ToolRequest

Progress: TypeAlias = Callable[[float, float | None, str], None]
PAUSE = 1.0
"""Seconds between two events of one call; what comes sooner is not told."""


def tool_config(running: Running, task_id: str, subtask: int, request: ToolRequest) -> RunnableConfig:
    """The configuration of a tool call; `graph.masked_tools` reads it."""
    told = {"thread_id": running.thread_id, "task_id": task_id, "progress": progress_of(running, subtask, request)}
    return {"configurable": {**ensure_config()["configurable"], **told}}


def progress_of(running: Running, subtask: int, request: ToolRequest) -> Progress:
    """Tells the run how far a call is, at most once in PAUSE."""
    told_at = -PAUSE
    context = copy_context()  # of the node, where its events go; the tool runs in another

    def tell(done: float, total: float | None, text: str) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at < PAUSE or not math.isfinite(done) or (total is not None and not math.isfinite(total)):
            return
        told_at = now
        context.run(
            running.emit,
            {"type": "tool_progressed", "subtask": subtask, "id": request.id, "name": request.name, "done": done,
             "total": total, "text": text[:200]}
        )  # fmt: skip

    return tell
