"""The program that fetches one video with yt-dlp: `python -m tools.media.fetch_video`, its orders as JSON on stdin.

A process of its own, because it reads foreign pages beside the network: it has no secrets in its environment, reaches
the network only through the egress proxy, starts no other program (no ffmpeg, no rtmpdump, no JavaScript, no plugins),
writes only `video.*` in its working directory, and ends itself in time. Where yt-dlp or one of its 1,800 sites would do
otherwise in spite of its options, a hook of the interpreter (PEP 578) refuses. It tells one JSON object a line.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

MEMORY = 2 << 30
OVER_HTTP = r"[protocol~='^(https?|m3u8|m3u8_native|http_dash_segments|http_dash_segments_generator|ism)$']"
"""Formats that yt-dlp fetches itself, through the proxy. Others it leaves to programs that know of none."""
STARTING = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
)
CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
NAMING = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


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
        "format": f"b[height<=720]{OVER_HTTP}/b{OVER_HTTP}/ba{OVER_HTTP}/w{OVER_HTTP}",
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

    sys.addaudithook(only_through(order["proxy"]))
    try:
        with YoutubeDL(options(order)) as loader:
            info = loader.extract_info(order["url"], download=True) or {}
    except YoutubeDLError as error:
        _tell({"failed": str(error)})
    else:
        _tell({"title": str(info.get("title") or info.get("id") or "")})


def only_through(proxy: str) -> Callable[[str, tuple[Any, ...]], None]:
    """A hook for `sys.addaudithook`: no program is started, and nothing is connected to but the proxy."""
    there = urlsplit(proxy)

    def check(event: str, given: tuple[Any, ...]) -> None:
        if event in STARTING:
            raise PermissionError("no program is started here")
        if event in CONNECTING and given[1][:2] != (there.hostname, there.port):
            raise PermissionError("nothing is connected to but the proxy")
        if event in NAMING and given[0] != there.hostname:
            raise PermissionError("no name is looked up here")

    return check


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
