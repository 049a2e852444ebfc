"""Reads documents for tools: files of a workspace, bytes of the web, files inside archives. Parsers run in the sandbox."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.documents.media import Transcribe, media_text
from tools.documents.shown import shown
from tools.sandbox.jobs import JobLimits, Progress, run_job
from tools.workspace import Workspace

INSIDE = "!/"
"""Between an archive and a file in it: `data.zip!/report.pdf`."""
MAX_QUERY = 1000
MAX_TAKEN = 100_000_000


def members_of(path: str) -> tuple[str, list[str]]:
    """A path or URL, and the names to go into: `a.zip!/b.tar!/c.txt` is a.zip, [b.tar, c.txt].

    Raises:
        ToolCallError: a name is empty.
    """
    outer, *members = path.split(INSIDE)
    if not outer.strip() or not all(name.strip() for name in members):
        raise ToolCallError("a file inside an archive is named as archive.zip!/folder/name.txt")
    return outer.strip(), members


async def read_bytes(
    name: str,
    media_type: str,
    data: bytes,
    *,
    pages: str = "",
    query: str = "",
    members: Sequence[str] = (),
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> str:
    """A document that was fetched, as `read_file`.

    Args:
        name: as its URL ends, such as `report.pdf`; what the content leaves open is decided by it, then by media_type.
    """
    file = await asyncio.to_thread(_kept, data)
    try:
        return await read_file(
            name, file, media_type=media_type, pages=pages, query=query, members=members, progress=progress,
            settings=settings,
        )  # fmt: skip
    finally:
        await asyncio.to_thread(file.close)


async def read_file(
    name: str,
    file: BinaryIO,
    *,
    media_type: str = "",
    pages: str = "",
    query: str = "",
    members: Sequence[str] = (),
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> str:
    """The text of an open file, its first parts, those asked for, or the passages that match a query.

    Args:
        settings: for the transcript of sounds and films; without them only their facts are told.

    Raises:
        ToolCallError: it cannot be read; a line for the model.
        ConfigurationError: a library is missing; the line that installs it.
        SandboxError: there is no sandbox to parse in.
    """
    if len(query) > MAX_QUERY:
        raise ToolCallError(f"query takes up to {MAX_QUERY} characters")
    shown_name = INSIDE.join([name, *members])[:300]
    arguments = {
        "name": name, "media_type": media_type, "members": list(members), "pages": pages, "query": query,
    }  # fmt: skip
    async with run_job("tools.documents.parse:read", {"file": file}, arguments, JobLimits(), progress) as job:
        told = job.value
        if "missing" in told:
            raise ConfigurationError(told["missing"])
        if "media" not in told:
            return shown(shown_name, told, pages, query)
        if not told["file"]:
            await asyncio.to_thread(file.seek, 0)
            return await media_text(shown_name, told["media"], file, settings, progress)
        with await asyncio.to_thread((job.files / told["file"]).open, "rb") as inner:
            return await media_text(shown_name, told["media"], inner, settings, progress)


async def take_out(name: str, file: BinaryIO, members: Sequence[str]) -> tuple[str, bytes]:
    """A file inside an archive, an e-mail, a PDF or an Office document: its own name, and its bytes.

    Raises:
        ToolCallError: there is none, it cannot be unpacked, or is larger than MAX_TAKEN.
        ConfigurationError, SandboxError: as `read_file`.
    """
    arguments = {"name": name, "members": list(members)}
    async with run_job("tools.documents.parse:take", {"file": file}, arguments, JobLimits()) as job:
        if "missing" in job.value:
            raise ConfigurationError(job.value["missing"])
        path = job.files / str(job.value["file"])
        data = await asyncio.to_thread(path.read_bytes)
        if len(data) > MAX_TAKEN:
            raise ToolCallError(f"it is larger than the {MAX_TAKEN:,} bytes that are taken out")
        return str(job.value["name"]), data


def _kept(data: bytes) -> BinaryIO:
    file = tempfile.TemporaryFile()
    file.write(data)
    file.seek(0)
    return file
