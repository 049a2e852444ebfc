"""How it shows that a session has ended."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from configs.errors import ToolServerError

if TYPE_CHECKING:
    from mcp import ClientSession

PING_SECONDS = 2.0
NOTICE_SECONDS = 0.5
SESSION_ENDED = (-32000, 32600)
"""The codes under which the library reports a session that is gone: mcp.types.CONNECTION_CLOSED, and a remote one."""
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError)


async def answers(session: ClientSession) -> bool:
    """Whether the server still answers a ping, in PING_SECONDS."""
    from mcp import McpError

    with anyio.move_on_after(PING_SECONDS):
        try:
            await session.send_ping()
        except McpError as error:
            return error.error.code not in SESSION_ENDED
        except (*GONE, OSError):
            return False
        return True
    return False


async def give_up(session: ClientSession, request: int) -> None:
    """Tell the server that nobody waits for a request any more; at most NOTICE_SECONDS, also while cancelled."""
    from mcp.types import CancelledNotification, CancelledNotificationParams, ClientNotification

    params = CancelledNotificationParams(requestId=request, reason="nobody waits for it any more")
    with anyio.CancelScope(shield=True), anyio.move_on_after(NOTICE_SECONDS), suppress(*GONE):
        await session.send_notification(ClientNotification(CancelledNotification(params=params)))


def leaf_text(error: BaseException) -> str:
    """The first cause inside groups, in one line."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    text = " ".join(str(error).split())
    return text if isinstance(error, ToolServerError) else f"failed: {text or type(error).__name__}"
