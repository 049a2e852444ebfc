"""A real FastMCP server over HTTP on loopback: `over_http.py PORT TRANSPORT`."""

import sys
from typing import Literal, cast

from mcp.server.fastmcp import Context, FastMCP


def who(context: Context) -> str:  # type: ignore[type-arg]  # FastMCP fills it in
    """The Authorization header of the caller."""
    request = context.request_context.request
    return str(request.headers.get("authorization")) if request is not None else "nobody"


if __name__ == "__main__":
    server = FastMCP("remote", port=int(sys.argv[1]), log_level="ERROR")
    server.add_tool(who)
    server.run(cast(Literal["sse", "streamable-http"], sys.argv[2]))
