"""A server built on mcp 2, run in an environment of its own: typed results, a picture, progress, an error."""

import asyncio

from mcp.server.mcpserver import Context, Image, MCPServer  # type: ignore[import-not-found, unused-ignore]  # mcp 2
from pydantic import BaseModel

server = MCPServer("second")


class Weather(BaseModel):
    """What `weather` gives."""

    degrees: float
    sky: str


@server.tool()  # type: ignore[untyped-decorator, unused-ignore]  # mcp 2
def weather(town: str) -> Weather:
    """Tell the weather of a town."""
    if not town:
        raise ValueError("no such town")
    return Weather(degrees=21.5, sky=f"clear over {town}")


@server.tool()  # type: ignore[untyped-decorator, unused-ignore]  # mcp 2
def picture() -> Image:
    """Give a picture."""
    return Image(data=b"\x89PNG not much", format="png")


@server.tool()  # type: ignore[untyped-decorator, unused-ignore]  # mcp 2
async def work(steps: int, context: Context) -> str:
    """Work step by step."""
    for step in range(steps):
        await context.report_progress(step + 1, steps, f"step {step + 1}")
        await asyncio.sleep(0.05)
    return "worked"


if __name__ == "__main__":
    server.run("stdio")
