"""Reads documents for tools: open files, fetched bytes, files inside archives. Parsers run in the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import BinaryIO

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.documents.media import media_text
from tools.documents.opening import held
from tools.documents.shown import shown
from tools.sandbox.jobs import JobLimits, JobResult, Progress, run_job
from tools.servers.requests import settings as server_settings
from tools.workspace import Workspace
from tools.workspace_file import held_file

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
    settings: Settings | None = None,
    *,
    pages: str = "",
    query: str = "",
    members: Sequence[str] = (),
    progress: Progress | None = None,
) -> str:
    """A document that was fetched, as `read_file`.

    Args:
        name: as its URL ends, such as `report.pdf`; what the content leaves open is decided by it, then by media_type.
        settings: without them those of this server's process.
    """
    known = settings if settings is not None else await asyncio.to_thread(server_settings)
    file = await asyncio.to_thread(held, data)
    try:
        return await read_file(
            name, file, known, media_type=media_type, pages=pages, query=query, members=members, progress=progress
        )
    finally:
        await asyncio.to_thread(file.close)


async def read_file(
    name: str,
    file: BinaryIO,
    settings: Settings,
    *,
    media_type: str = "",
    pages: str = "",
    query: str = "",
    members: Sequence[str] = (),
    progress: Progress | None = None,
) -> str:
    """The text of an open file, its first parts, those asked for, or the passages that match a query.

    Args:
        settings: for the transcripts of sounds and films.

    Raises:
        ToolCallError: it cannot be read; a line for the model.
        ConfigurationError: a library is missing; the line that installs it.
        SandboxError: there is no sandbox to parse in.
    """
    if len(query) > MAX_QUERY:
        raise ToolCallError(f"query takes up to {MAX_QUERY} characters")
    shown_name = INSIDE.join([name, *members])[:300]
    file_facts = {"name": name, "media_type": media_type, "members": list(members)}
    arguments = {**file_facts, "pages": pages, "query": query}
    async with run_job("tools.documents.parse:read", {"file": file}, arguments, JobLimits(), progress) as job:
        told = job.value
        if "media" not in told:
            return shown(shown_name, told, pages, query)
        if told["file"]:
            async with _made(job, told["file"]) as inner:
                return await media_text(shown_name, inner, settings, progress)
    await asyncio.to_thread(file.seek, 0)
    return await media_text(shown_name, file, settings, progress)


async def take_out(name: str, file: BinaryIO, members: Sequence[str]) -> tuple[str, bytes]:
    """A file inside an archive, an e-mail, a PDF or an Office document: its own name, and its bytes.

    Raises:
        ToolCallError: there is none, it cannot be unpacked, or is larger than MAX_TAKEN.
        ConfigurationError, SandboxError: as `read_file`.
    """
    arguments = {"name": name, "members": list(members)}
    async with (
        run_job("tools.documents.parse:take", {"file": file}, arguments, JobLimits()) as job,
        _made(job, job.value["file"]) as taken,
    ):
        return str(job.value["name"]), await asyncio.to_thread(whole, taken)


def _made(job: JobResult, name: object) -> AbstractAsyncContextManager[BinaryIO]:
    """A file that a job made. Its name comes from inside the jail, so it is looked for in the job's folder alone."""
    return held_file(Workspace(job.files, 0), str(name), JobLimits().output)


def whole(file: BinaryIO) -> bytes:
    """All bytes of an open file.

    Raises:
        ToolCallError: it is larger than MAX_TAKEN.
    """
    data = file.read(MAX_TAKEN + 1)
    if len(data) > MAX_TAKEN:
        raise ToolCallError(f"it is larger than the {MAX_TAKEN:,} bytes that are taken out; nothing was saved")
    return data
