"""Files that a tool is asked to look at: a path of the workspace, or a URL that is fetched for the call."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.workspace import Workspace, parts
from tools.workspace_file import held_file

FETCH_BYTES = 15_000_000
MAX_BYTES = 2_000_000_000


def is_url(source: str) -> bool:
    """Whether it is an http(s) address; any other scheme is a path, and refused as one."""
    return source.strip().lower().startswith(("http://", "https://"))


@asynccontextmanager
async def opened(source: str, workspace: Workspace, settings: Settings) -> AsyncIterator[tuple[str, BinaryIO]]:
    """The name and the bytes of a workspace path or of a URL.

    Raises:
        ToolCallError: it is none, cannot be fetched, or is too large.
    """
    if is_url(source):
        async with _fetched(source, settings) as file:
            yield name_of(source), file
        return
    async with held_file(workspace, source, MAX_BYTES) as file:
        yield parts(source)[-1], file


def name_of(url: str) -> str:
    """A file name for a URL: the last name of its path, plain."""
    return plain_name(unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2]), "download")


def plain_name(text: str, default: str) -> str:
    """A file name of letters, digits, `.`, `-` and `_`, at most 80, that does not begin with a dot."""
    plain = "_".join(re.findall(r"[\w.-]+", text)).lstrip("._-")
    return plain[-80:] or default


@asynccontextmanager
async def _fetched(url: str, settings: Settings) -> AsyncIterator[BinaryIO]:
    from tools.egress import Egress

    fetched = await Egress.of(settings).fetch(url, limit=FETCH_BYTES, seconds=30)
    if fetched.status >= 400:
        raise ToolCallError(f"the server answered {fetched.status}")
    file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        await asyncio.to_thread(file.write, fetched.data)
        await asyncio.to_thread(file.seek, 0)
        yield file
    finally:
        await asyncio.to_thread(file.close)
