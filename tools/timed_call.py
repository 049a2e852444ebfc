"""One request of a session, ended when the server gives no sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from tools.caller import Caller
from tools.result_text import clean

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp.types import CallToolResult

AT_MOST = 10.0
"""How many times its limit a call may take, for as long as it tells of progress."""


class NoAnswerError(Exception):
    """A call was ended. `seconds`: how long it was waited for, since it began or since it last told of progress."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"gave no answer within {seconds:g} s")


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """What is called, and for whom.

    Attributes:
        meta: sent as `_meta`; None sends none.
        seconds: without an answer or progress, after which the call is ended.
    """

    tool: str
    arguments: dict[str, Any]
    caller: Caller
    meta: dict[str, Any] | None
    seconds: float


async def timed_call(session: ClientSession, request: ToolRequest) -> CallToolResult:
    """The result of a call. Faults of the session come as the library raises them.

    Raises:
        NoAnswerError: no answer and no progress within `request.seconds`, or AT_MOST times as long with progress.
    """
    last = anyio.current_time() + request.seconds * AT_MOST
    try:
        with anyio.fail_after(request.seconds) as scope:

            async def heard(progress: float, total: float | None, message: str | None) -> None:
                scope.deadline = min(anyio.current_time() + request.seconds, last)
                if request.caller.progress is not None:
                    request.caller.progress(progress, total, clean(message or ""))

            return await session.call_tool(request.tool, request.arguments, progress_callback=heard, meta=request.meta)
    except TimeoutError:
        cut = anyio.current_time() >= last
        raise NoAnswerError(request.seconds * AT_MOST if cut else request.seconds) from None
