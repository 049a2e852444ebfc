"""Tool calls that may change something outside are not made twice behind the model's back.

Before the calls of a reply are made, a step keeps that they begin. A run that was cut off then finds, when it goes on,
calls that were begun and have no result: nobody knows whether they happened. The ones that change nothing, or nothing
more when repeated, are made again; for the others the model is told, and decides.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from langchain_core.tools import BaseTool

from nodes.steps import Steps
from nodes.tool_requests import ToolRequest

UNCERTAIN = (
    "This call may have happened before the run was interrupted; it was not repeated. "
    "Check what it did before you call it again."
)


def may_be_repeated(tool: BaseTool | None) -> bool:
    """Whether a call does no harm when it is made twice, by the server's own annotations.

    What a server does not say counts as it does in the MCP specification (2025-06-18, ToolAnnotations): not read-only,
    not idempotent. So does a tool that is not there any more.
    """
    hints = (tool.metadata or {}) if tool is not None else {}
    return hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True


async def begin_calls(
    steps: Steps,
    requests: Sequence[ToolRequest],
    tools: Mapping[str, BaseTool],
    is_local: Callable[[ToolRequest], bool],
) -> list[ToolRequest]:
    """Keep that these calls begin, and give them back: with a fault where one may have happened already.

    The step is there whatever the tools are and whatever a person decided, since both may have changed when the run
    goes on, and the steps of a node must not; it is waited for only where a call must not be repeated.

    Raises:
        CheckpointError: that a call begins could not be kept; it must not begin then.
    """
    if all(is_local(each) for each in requests):
        return list(requests)
    calls = [each for each in requests if each.fault is None and not is_local(each)]
    once_only = {each.id for each in calls if not may_be_repeated(tools.get(each.name))}
    token = uuid.uuid4().hex
    kept = [token, *(each.id for each in calls)]
    begun = await steps.keep("begin", partial(asyncio.sleep, 0, kept), wait=bool(once_only), token=token)
    if not begun.replayed:
        return list(requests)
    return [replace(each, fault=UNCERTAIN) if each.id in once_only else each for each in requests]
