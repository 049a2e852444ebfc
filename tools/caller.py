"""On whose behalf a tool is called. The model never writes it; bundled servers read it, others are not told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tools.servers.requests import DEFAULT, TASK_KEY, WORKSPACE_KEY

CALLER = "memento_caller"
"""Where a `RunnableConfig`'s `configurable` holds it."""
Progress: TypeAlias = Callable[[float, float | None, str], None]
"""Done, in all (None: not known), and what is being done."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A thread and a task.

    Attributes:
        workspace: the name of the thread's folder under HOME/workspaces; what a tool gives is saved there.
        task: its id; code keeps its variables within one.
        progress: told how far a call is, in the caller's event loop; None where nobody listens.
    """

    workspace: str = DEFAULT
    task: str = DEFAULT
    progress: Progress | None = None

    def meta(self) -> dict[str, Any]:
        """The `_meta` of a call of a bundled server."""
        return {WORKSPACE_KEY: self.workspace, TASK_KEY: self.task}


def caller_of(config: Mapping[str, Any]) -> Caller:
    """The caller that a `RunnableConfig` names; without one, of the workspace DEFAULT."""
    found = (config.get("configurable") or {}).get(CALLER)
    return found if isinstance(found, Caller) else Caller()


def heard_here(caller: Caller) -> Caller:
    """The same caller for another thread: what is told there is heard in this event loop."""
    listener, loop = caller.progress, asyncio.get_running_loop()
    if listener is None:
        return caller

    def tell(done: float, total: float | None, text: str) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(listener, done, total, text)

    return replace(caller, progress=tell)
