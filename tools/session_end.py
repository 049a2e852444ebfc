"""How it shows that a session has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from configs.errors import ToolServerError

if TYPE_CHECKING:
    from mcp import ClientSession

PING_SECONDS = 2.0
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


def leaf_text(error: BaseException) -> str:
    """The first cause inside groups, in one line."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    text = " ".join(str(error).split())
    return text if isinstance(error, ToolServerError) else f"failed: {text or type(error).__name__}"
