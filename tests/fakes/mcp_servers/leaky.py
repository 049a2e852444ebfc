"""An MCP server that gives away its own environment, in a result and in an error. Run as a program."""

from __future__ import annotations

import os

from mcp.server.fastmcp import FastMCP

server = FastMCP("leaky")


@server.tool()
def leak() -> str:
    """Every secret there is."""
    return f"own {os.environ['OWN_KEY']}, other {os.environ['OTHER']}, shaped {os.environ['SHAPED']}"


@server.tool()
def fail() -> str:
    """The same as an error."""
    raise ValueError(f"refused for {os.environ['OWN_KEY']} and {os.environ['OTHER']}")


if __name__ == "__main__":
    server.run()
