"""Where documents come from and where files taken out of them go: the workspace, and the web through egress."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.egress import Egress
from tools.result_text import size_text
from tools.workspace import Workspace, parts
from tools.workspace_file import held_file

MAX_FILE = 500_000_000


@asynccontextmanager
async def opened(
    source: str, workspace: Workspace, settings: Settings, egress: Egress | None = None
) -> AsyncIterator[tuple[str, str, BinaryIO]]:
    """The name, the media type (empty for a path) and the open file of a workspace path or an http(s) URL.

    Raises:
        ToolCallError: it is refused, not there, or too large.
    """
    if source.lower().startswith(("http://", "https://")):
        fetched = await (egress or Egress.of(settings)).fetch(source)
        if fetched.status >= 400:
            raise ToolCallError(f"the server answered {fetched.status}")
        file = await asyncio.to_thread(held, fetched.data)
        try:
            yield name_of(fetched.url), fetched.media_type, file
        finally:
            await asyncio.to_thread(file.close)
        return
    async with held_file(workspace, source, MAX_FILE) as file:
        yield parts(source)[-1], "", file


def name_of(url: str) -> str:
    """A file name for a URL: its host and the last name of its path, in plain letters."""
    split = urlsplit(url)
    return plain_name(unquote(split.path.rstrip("/").rpartition("/")[2])) or split.hostname or "document"


def plain_name(name: str) -> str:
    """A name without what a path, a shell or a terminal would take for something else; at most 100 characters."""
    letters = "".join(letter if letter.isalnum() or letter in "._- " else "_" for letter in name).strip(" ")
    return letters.lstrip(".")[-100:]


def saved(workspace: Workspace, name: str, data: bytes) -> str:
    """Write a file under a free name, and say where.

    Raises:
        ToolCallError: the path leads out of the workspace, or there is no room.
    """
    folder, slash, last = name.rpartition("/")
    path = workspace.free_name(f"{folder}{slash}{plain_name(last) or 'file'}")
    workspace.write(path, data)
    return f"saved as {path} ({size_text(len(data))})"


def held(data: bytes) -> BinaryIO:
    """Bytes as an open file without a name; gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    file.write(data)
    file.seek(0)
    return file
