"""What a document reader says of a picture, a recording or a video: the seam to `tools.media`."""

from __future__ import annotations

import asyncio
from typing import BinaryIO, Literal, TypeAlias

from configs.settings import Settings
from tools.media import images, videos
from tools.media.probe import facts_text
from tools.sandbox.jobs import Progress

Kind: TypeAlias = Literal["image", "media"]
IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"\0\0\0\x0cjP  ")
MEDIA = (b"ID3", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"FLV", b"#!AMR", b"FORM", b".snd", b"wvpk", b"\0\0\1\xba")
PICTURE_BRANDS = (b"avif", b"avis")


def kind_of(head: bytes) -> Kind | None:
    """By the first 16 bytes of a file: a picture, sound or video, or neither. Endings of names say nothing."""
    if head[4:8] == b"ftyp":
        return "image" if head[8:12] in PICTURE_BRANDS else "media"
    if head[:4] == b"RIFF":
        return "image" if head[8:12] == b"WEBP" else "media"
    if head.startswith(IMAGES):
        return "image"
    mp3_or_aac = len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    return "media" if head.startswith(MEDIA) or mp3_or_aac else None


async def describe_media(name: str, file: BinaryIO, settings: Settings, progress: Progress | None = None) -> str:
    """A picture's facts and description (or text), a recording's facts and transcript, or a video's facts, what its
    key-frames show, and transcript.

    Raises:
        ToolCallError: it is none of these, or damaged.
        ConfigurationError: a library or ffmpeg is missing.
    """
    await asyncio.to_thread(file.seek, 0)
    if kind_of(await asyncio.to_thread(file.read, 16)) == "image":
        return await images.described(name, file, settings)
    facts = await videos.probed(file)
    if facts["video"]:
        return await videos.answered(name, file, "Tell what happens in this video, in order.", settings, progress)
    speech = await videos.speech_in(file, facts, settings, progress)
    return f"{facts_text(name, facts)}\n\nSpeech:\n{speech}"
