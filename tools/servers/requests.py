"""Whose call it is: the workspace and the task that a client names beside the arguments, where no model writes."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from configs.errors import ToolCallError
from tools.result_text import visible
from tools.workspace import Workspace

if TYPE_CHECKING:
    from configs.settings import Settings
    from tools.sandbox.jobs import Progress

WORKSPACE_KEY = "memento/workspace"
TASK_KEY = "memento/task"
"""Keys of `_meta` in a `tools/call` request. A client that sends none works in the workspace DEFAULT."""
SECONDS_KEY = "memento/seconds"
"""Key of `_meta` in a tool's definition: how long a call may take, where that is longer than usual."""
DEFAULT = "default"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@cache
def settings() -> Settings:
    """The settings of this server's process, read once from its own environment."""
    from configs.settings import load_settings

    return load_settings()


def workspace_of(context: Any) -> Workspace:
    """The workspace of a request.

    Args:
        context: the `mcp.server.fastmcp.Context` of the call.

    Raises:
        ToolCallError: the client names one that cannot be a folder's name.
    """
    from tools.workspaces import workspace

    name = _told(context, WORKSPACE_KEY) or DEFAULT
    if not NAME.fullmatch(name):
        raise ToolCallError("the client names a workspace that is none")
    return workspace(settings().home, name, settings().workspace_bytes)


def task_of(context: Any) -> str:
    """The task of a request; the same for all calls of a client that names none."""
    return _told(context, TASK_KEY) or DEFAULT


def progress_of(context: Any) -> Progress:
    """What reports progress to the client; nothing is sent where it did not ask for it."""

    async def report(done: float, total: float | None = None, text: str = "") -> None:
        await context.report_progress(done, total, visible(text) or None)

    return report


def _told(context: Any, key: str) -> str:
    meta = context.request_context.meta
    value = (meta.model_extra or {}).get(key) if meta is not None else None
    return value if isinstance(value, str) else ""
