"""Videos of the web, fetched by `tools.media.fetch_video` through the egress proxy, within limits."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from configs.errors import ToolCallError
from configs.settings import Settings, environment_without_secrets
from tools.media.libraries import require
from tools.media.sources import is_url
from tools.sandbox.jobs import Progress
from tools.workspace import Workspace

MAX_BYTES = 200_000_000
MAX_SECONDS = 300.0
LONGEST = 4 * 3600.0
ROOT = Path(__file__).parents[2]
PROGRAM = ["-P", "-m", "tools.media.fetch_video"]
OTHER_USER = 61_001
"""Who fetches when root started us: a user that owns nothing, and is not the one that code runs as in the sandbox."""
REASONS = {
    "larger than max-filesize": f"it is larger than the {MAX_BYTES:,} bytes that are fetched",
    "File too large": f"it is larger than the {MAX_BYTES:,} bytes that are fetched",
    "Unsupported URL": "there is no video on that page",
    "No video formats": "there is no video on that page that can be fetched",
    "Requested format": "there is no video on that page that can be fetched as one file",
    "it is live": "it is a live stream",
    "it is longer": f"it is longer than the {LONGEST / 3600:g} hours that are fetched",
    "DRM": "it is protected against copying",
    "HTTP Error 404": "the server answered 404",
    "HTTP Error 403": "the server refused it, or leads to an address that may not be reached",
    "Sign in": "the site wants a login",
}
"""What yt-dlp says, and what the model is told: its own words may name addresses of this machine."""


@asynccontextmanager
async def downloaded(
    url: str, settings: Settings, progress: Progress | None = None, limit: int = MAX_BYTES, seconds: float = MAX_SECONDS
) -> AsyncIterator[tuple[str, BinaryIO]]:
    """The title and the file of the video that a page or a media URL has.

    Args:
        limit: bytes of the file.
        seconds: for all of it.

    Raises:
        ToolCallError: there is none, it may not be reached, or a limit ended it.
        ConfigurationError: yt-dlp is not installed.
    """
    await asyncio.to_thread(require, "yt_dlp", "media")
    from tools.egress import Egress

    egress = Egress.of(settings)
    await _reachable(url, egress)
    folder = await asyncio.to_thread(tempfile.TemporaryDirectory)
    try:
        async with egress.proxy(2 * limit, seconds + 5, [OTHER_USER]) as proxy:
            order = {"url": url, "proxy": proxy, "bytes": limit, "seconds": seconds, "longest": LONGEST}
            title = await _obeyed(order, Path(folder.name), progress)
        context = await asyncio.to_thread(_the_file, Path(folder.name), limit)
        file = await asyncio.to_thread(context.__enter__)
        try:
            yield title, file
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    finally:
        await asyncio.to_thread(folder.cleanup)


def keep(workspace: Workspace, path: str, file: BinaryIO) -> str:
    """Copy it into the workspace; its path there. Blocking."""
    file.seek(0)
    path = workspace.free_name(path)
    workspace.write(path, file.read(MAX_BYTES))
    return path


async def _reachable(url: str, egress: Any) -> None:
    """Raises ToolCallError, which says why, where the URL's own host may not be reached or does not answer."""
    try:
        there = urlsplit(url.strip())
        port = there.port or (443 if there.scheme.lower() == "https" else 80)
    except ValueError:
        raise ToolCallError("that is no http(s) URL") from None
    if not is_url(url) or not there.hostname or there.username is not None:
        raise ToolCallError("that is no http(s) URL")
    await (await egress.connect(there.hostname, port)).aclose()


async def _obeyed(order: dict[str, Any], folder: Path, progress: Progress | None) -> str:
    """Let the program run to its end, or the limits'; the title."""
    process = await asyncio.to_thread(_start, order, folder)
    ends = time.monotonic() + order["seconds"]
    told: dict[str, Any] = {}
    try:
        while line := await _line(process, ends):
            told = told | line if "done" not in line else told
            if "done" in line:
                if await asyncio.to_thread(_size, folder) > 1.1 * order["bytes"]:
                    raise ToolCallError(REASONS["File too large"])
                if progress is not None:
                    await progress(line["done"], line["total"], "fetching")
    except TimeoutError:
        raise ToolCallError(f"it was not fetched within {order['seconds']:.0f} s") from None
    finally:
        await asyncio.to_thread(_end, process)
    if "failed" in told or "title" not in told:
        raise ToolCallError(_reason(str(told.get("failed", ""))))
    return str(told["title"])


async def _line(process: subprocess.Popen[bytes], ends: float) -> dict[str, Any] | None:
    """The next line it tells, or None at its end. A waiting read ends when the program is killed."""
    assert process.stdout is not None  # noqa: S101  it was asked for
    async with asyncio.timeout_at(asyncio.get_running_loop().time() + max(ends - time.monotonic(), 0)):
        text = await asyncio.to_thread(process.stdout.readline, 100_000)
    try:
        line = json.loads(text) if text else None
    except ValueError:
        return {}
    return line if isinstance(line, dict) else None


def _start(order: dict[str, Any], folder: Path) -> subprocess.Popen[bytes]:
    there = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "YTDLP_NO_PLUGINS": "1"}
    there["PATH"] = os.devnull  # no program is found
    user = _user(folder)
    if user is not None:
        os.chown(folder, user, user)
    process = subprocess.Popen(  # noqa: S603  this interpreter with a module of ours
        [sys.executable, *PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={**environment_without_secrets(), **there},
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    assert process.stdin is not None  # noqa: S101  it was asked for
    with suppress(OSError):
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.close()
    return process


def _user(folder: Path) -> int | None:
    """Whom the program runs as in place of root; root, where nobody else can read the code."""
    needed = (ROOT, Path(sys.prefix), Path(sys.base_prefix), folder.parent)
    readable = all(place.stat().st_mode & stat.S_IXOTH for each in needed for place in (each, *each.parents))
    return OTHER_USER if os.geteuid() == 0 and readable else None


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _reason(said: str) -> str:
    return next((line for part, line in REASONS.items() if part in said), "the video cannot be fetched")


def _size(folder: Path) -> int:
    return sum(entry.size for entry in Workspace(folder, 0).entries())


@contextmanager
def _the_file(folder: Path, limit: int) -> Iterator[BinaryIO]:
    kept = Workspace(folder, 0)
    videos = [entry for entry in kept.entries() if entry.path.startswith("video.") and "/" not in entry.path]
    whole = [entry for entry in videos if not entry.path.endswith((".part", ".ytdl")) and 0 < entry.size <= limit]
    if not whole:
        raise ToolCallError("the video cannot be fetched")
    with kept.open(max(whole, key=lambda entry: entry.size).path) as file:
        yield file
