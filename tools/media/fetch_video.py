"""The program that fetches one video with yt-dlp: `python -m tools.media.fetch_video`, its orders as JSON on stdin.

A process of its own, because it reads foreign pages beside the network: it has no secrets in its environment, reaches
the network only through the egress proxy, starts no other program (no ffmpeg, no JavaScript, no plugins), writes only
`video.*` in its working directory, and ends itself in time. It tells one JSON object a line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import Any

MEMORY = 2 << 30


def options(order: dict[str, Any]) -> dict[str, Any]:
    """What yt-dlp may do: one file, in one format that needs nothing put together."""
    longest = order["longest"]

    def too_long(info: dict[str, Any], *, incomplete: bool = False) -> str | None:
        del incomplete
        if info.get("is_live"):
            return "it is live"
        return f"it is longer than {longest:.0f} s" if (info.get("duration") or 0) > longest else None

    return {
        "proxy": order["proxy"],
        "outtmpl": "video.%(ext)s",
        "format": "b[height<=720]/b/ba/w",
        "noplaylist": True,
        "playlist_items": "1",
        "max_filesize": order["bytes"],
        "match_filter": too_long,
        "break_on_reject": True,
        "cachedir": False,
        "color": "never",
        "quiet": True,
        "noprogress": True,
        "logger": _Silent(),
        "progress_hooks": [_progress],
        "retries": 2,
        "fragment_retries": 2,
        "socket_timeout": 20,
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "ffmpeg_location": os.devnull,
        "fixup": "never",
        "postprocessors": [],
        "enable_file_urls": False,
        "js_runtimes": {},
        "remote_components": [],
        "updatetime": False,
    }


def main() -> None:
    """Obey one order: url, proxy, bytes, seconds, longest."""
    order = json.loads(sys.stdin.readline())
    signal.alarm(int(order["seconds"]) + 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (order["bytes"], order["bytes"]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from yt_dlp import YoutubeDL  # type: ignore[import-untyped]  # it ships no types
    from yt_dlp.utils import YoutubeDLError  # type: ignore[import-untyped]  # it ships no types

    try:
        with YoutubeDL(options(order)) as loader:
            info = loader.extract_info(order["url"], download=True) or {}
    except YoutubeDLError as error:
        _tell({"failed": str(error)})
    else:
        _tell({"title": str(info.get("title") or info.get("id") or "")})


class _Silent:
    """yt-dlp's log, kept from standard output."""

    def debug(self, message: str) -> None:
        """Not told; yt-dlp says here, too, why it skips a file."""
        if "larger than max-filesize" in message:
            _tell({"failed": message})

    info = warning = error = debug


def _progress(state: dict[str, Any]) -> None:
    if state.get("status") == "downloading":
        total = state.get("total_bytes") or state.get("total_bytes_estimate")
        _tell({"done": state.get("downloaded_bytes") or 0, "total": total})


def _tell(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
