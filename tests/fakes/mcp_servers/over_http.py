"""A real FastMCP server over HTTP on loopback: `over_http.py PORT TRANSPORT`."""

import sys
from typing import Literal, cast

from mcp.server.fastmcp import Context, FastMCP


def who(context: Context) -> str:  # type: ignore[type-arg]  # FastMCP fills it in
    """The Authorization header of the caller."""
    request = context.request_context.request
    return str(request.headers.get("authorization")) if request is not None else "nobody"


def big() -> str:
    """A result of 50 MB."""
    return "x" * 50_000_000


async def chatter(context: Context, lines: int) -> str:  # type: ignore[type-arg]  # see above
    """Log lines before the answer."""
    for _ in range(lines):
        await context.info("x" * 100)
    return "done"


if __name__ == "__main__":
    server = FastMCP("remote", port=int(sys.argv[1]), log_level="ERROR")
    server.add_tool(who)
    server.add_tool(big)
    server.add_tool(chatter)
    server.run(cast(Literal["sse", "streamable-http"], sys.argv[2]))
