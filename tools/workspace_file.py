"""A file of a workspace, held open beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from configs.errors import ToolCallError
from tools.workspace import Workspace


@asynccontextmanager
async def held_file(workspace: Workspace, path: str, limit: int) -> AsyncIterator[BinaryIO]:
    """A regular file of the workspace, at its beginning.

    Raises:
        ToolCallError: as `Workspace.open`, or it has more than `limit` bytes.
    """
    context = workspace.open(path)
    file = await asyncio.to_thread(context.__enter__)
    try:
        if await asyncio.to_thread(file.seek, 0, 2) > limit:
            raise ToolCallError(f"it is larger than the {limit:,} bytes that are read")
        await asyncio.to_thread(file.seek, 0)
        yield file
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)
