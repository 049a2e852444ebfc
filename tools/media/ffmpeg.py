"""Runs ffmpeg and ffprobe on foreign files, inside a sandboxed job.

A media file may be a playlist that names other files and addresses (HLS, DASH, concat, SDP), so only containers that
hold their own data are opened, and only through plain files. https://ffmpeg.org/ffmpeg-formats.html#Format-Options
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError

CONTAINERS = (
    "3gp,aac,ac3,aiff,amr,ape,asf,au,avi,caf,dv,eac3,flac,flv,gif,gsm,h264,hevc,ivf,m4a,m4v,matroska,mjpeg,mov,mp3,mp4,"
    "mpeg,mpegts,mpegvideo,mxf,nut,ogg,rm,tta,voc,w64,wav,webm,wv"
)
GUARD = ("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-max_streams", "100")
MAX_PIXELS = 7680 * 4320
UNREADABLE = "it cannot be read as audio or video: no media file, a playlist, or cut off"


def need_ffmpeg() -> None:
    """Raises ConfigurationError where ffmpeg is not installed."""
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise ConfigurationError(f"{program} is not installed: apt-get install ffmpeg, or brew install ffmpeg")


def ffprobe(path: Path) -> dict[str, Any]:
    """Format and streams of a file as ffprobe tells them.

    Raises:
        ValueError: it is none of CONTAINERS, or damaged.
    """
    command = ["ffprobe", "-v", "error", *GUARD, "-show_format", "-show_streams", "-of", "json", f"file:{path}"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603  our words
    try:
        told: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        told = {}
    if ended.returncode != 0 or not told.get("streams"):
        raise ValueError(UNREADABLE)
    return told


def start_ffmpeg(
    path: Path, output: Sequence[str], before: Sequence[str] = (), pipe: int | None = None
) -> subprocess.Popen[bytes]:
    """ffmpeg reading one file, already running; `before` are options of the input, `output` all that follows it."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-threads", "2", *GUARD, "-max_pixels", str(MAX_PIXELS)]
    return subprocess.Popen(  # noqa: S603  our words
        [*command, *before, "-i", f"file:{path}", *output],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if pipe is None else pipe,
        stderr=subprocess.DEVNULL,
    )


def ffmpeg(path: Path, output: Sequence[str], before: Sequence[str] = ()) -> bool:
    """Run it to its end; whether it reported no error."""
    with start_ffmpeg(path, output, before) as process:
        return process.wait() == 0
