"""Facts of an audio or video file. `probe` runs inside a sandboxed job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.media.ffmpeg import ffprobe


def probe(inputs: Mapping[str, Path], out: Path) -> dict[str, Any]:
    """Container, seconds, and the first video and audio stream of `inputs["file"]`; None where there is none.

    Raises:
        ValueError: it is no media file.
    """
    del out
    told = ffprobe(inputs["file"])
    streams = told["streams"]
    pictures = [each for each in streams if each.get("codec_type") == "video" and not _cover(each)]
    sounds = [each for each in streams if each.get("codec_type") == "audio"]
    return {
        "container": str(told["format"].get("format_name", "")).split(",")[0],
        "seconds": _seconds(told),
        "title": str(told["format"].get("tags", {}).get("title", ""))[:200],
        "video": _video(pictures[0]) if pictures else None,
        "audio": _audio(sounds[0]) if sounds else None,
        "subtitles": sum(each.get("codec_type") == "subtitle" for each in streams),
    }


def facts_text(name: str, facts: Mapping[str, Any]) -> str:
    """What `probe` gave, in one line."""
    parts = [f"{name}: {facts['container']}, {clock(facts['seconds'])}"]
    if video := facts["video"]:
        rate = f", {video['rate']:g} frames a second" if video["rate"] else ""
        parts.append(f"video {video['codec']} {video['width']}x{video['height']}{rate}")
    if audio := facts["audio"]:
        parts.append(f"audio {audio['codec']}, {audio['rate']} Hz, {audio['channels']} channel(s)")
    elif facts["video"]:
        parts.append("no sound")
    if facts["subtitles"]:
        parts.append(f"{facts['subtitles']} subtitle track(s)")
    if facts["title"]:
        parts.append(f"titled {facts['title']!r}")
    return "; ".join(parts)


def clock(seconds: float) -> str:
    """A time in a recording: 0:07, 12:30, 1:02:05."""
    whole = int(seconds)
    minutes = f"{whole // 60 % 60:02d}" if whole >= 3600 else str(whole // 60)
    return f"{f'{whole // 3600}:' if whole >= 3600 else ''}{minutes}:{whole % 60:02d}"


def _cover(stream: Mapping[str, Any]) -> bool:
    return bool(stream.get("disposition", {}).get("attached_pic"))


def _seconds(told: Mapping[str, Any]) -> float:
    """The longest of what container and streams claim; a container may lie, so nothing is allocated by it."""
    claims = [each.get("duration") for each in (told["format"], *told["streams"])]
    return max([_number(claim) for claim in claims] or [0.0])


def _number(text: object) -> float:
    try:
        value = float(str(text))
    except ValueError:
        return 0.0
    return value if 0 < value < 1e7 else 0.0


def _video(stream: Mapping[str, Any]) -> dict[str, Any]:
    over, _, under = str(stream.get("avg_frame_rate", "0/1")).partition("/")
    rate = _number(over) / _number(under) if _number(under) else 0.0
    return {
        "codec": str(stream.get("codec_name", "unknown")),
        "width": int(stream.get("width", 0)),
        "height": int(stream.get("height", 0)),
        "rate": round(rate, 3),
    }


def _audio(stream: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "codec": str(stream.get("codec_name", "unknown")),
        "rate": int(stream.get("sample_rate", 0)),
        "channels": int(stream.get("channels", 0)),
    }
