"""Videos for a model that cannot watch them: facts, frames, scenes, and answers from key-frames and speech."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.media.ffmpeg import need_ffmpeg
from tools.media.images import recognised
from tools.media.libraries import require
from tools.media.probe import clock, facts_text
from tools.media.recognition import recognised_text
from tools.media.speech import speech_engine, transcribe
from tools.media.transcript import beginning
from tools.media.vision import Picture, look, why_not
from tools.sandbox.jobs import JobLimits, Progress, run_job
from tools.workspace import Workspace

FRAME_PIXELS = 1280
KEY_FRAMES = 8
SPEECH_CHARS = 6000
SPEECH_SECONDS = 30.0
SCENE_SECONDS = 25.0
UNTOLD_LENGTH = 1e7
"""Seconds that a video may have which does not say how many."""
PROBING = JobLimits(seconds=30, output=1_000_000)
LOOKING = JobLimits(seconds=120, output=60_000_000)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of a video, `time` in seconds."""

    time: float
    jpeg: bytes


async def probed(file: BinaryIO) -> Mapping[str, Any]:
    """The facts of an audio or video file, see `tools.media.probe.probe`.

    Raises:
        ToolCallError: it is none.
        ConfigurationError: ffmpeg is not installed.
    """
    await asyncio.to_thread(need_ffmpeg)
    await asyncio.to_thread(file.seek, 0)
    async with run_job("tools.media.probe:probe", {"file": file}, {}, PROBING) as result:
        facts: Mapping[str, Any] = result.value
    return facts


@dataclass(frozen=True, slots=True)
class Scenes:
    """When scenes begin, in seconds, the first at 0; `until` where the video was looked at, in the time there was."""

    starts: Sequence[float]
    until: float


async def scenes_of(file: BinaryIO, facts: Mapping[str, Any]) -> Scenes:
    """The scenes of a video.

    Raises:
        ConfigurationError: scenedetect is not installed.
    """
    await asyncio.to_thread(require, "scenedetect", "media")
    await asyncio.to_thread(file.seek, 0)
    arguments = {key: facts["video"][key] for key in ("width", "height", "rate")}
    arguments |= {"seconds": facts["seconds"], "work": SCENE_SECONDS}
    async with run_job("tools.media.frames:scenes", {"file": file}, arguments, LOOKING) as result:
        return Scenes(**result.value)


async def frames_at(file: BinaryIO, times: Sequence[float], longest: int = FRAME_PIXELS) -> list[Frame]:
    """The video's pictures at these times; those behind its end are left out.

    Raises:
        ToolCallError: there is none at any of them.
    """
    await asyncio.to_thread(file.seek, 0)
    arguments = {"times": list(times), "longest": longest}
    async with run_job("tools.media.frames:grab", {"file": file}, arguments, LOOKING) as result:
        told = {number for number in result.value if type(number) is int and 0 <= number < len(times)}
        found = [Frame(times[number], await asyncio.to_thread(_jpeg, result.files, number)) for number in sorted(told)]
    if not found:
        raise ToolCallError("the video has no picture at any of these times")
    return found


def inside(times: Sequence[float], seconds: float) -> list[float]:
    """The times that lie in a video of that length; of one that tells no length, those that are not negative."""
    return [at for at in times if 0 <= at <= (seconds or UNTOLD_LENGTH)]


def spread(count: int, seconds: float) -> list[float]:
    """Times in the middle of `count` equal parts."""
    return [round((number + 0.5) * seconds / count, 2) for number in range(count)]


def middles(starts: Sequence[float], seconds: float, count: int) -> list[float]:
    """The middle of each scene; of more than `count` scenes an even choice."""
    ends = [*starts[1:], max(seconds, starts[-1])]
    all_of_them = [round((start + end) / 2, 2) for start, end in zip(starts, ends, strict=True)]
    if len(all_of_them) <= count:
        return all_of_them
    return [all_of_them[round(number * (len(all_of_them) - 1) / max(count - 1, 1))] for number in range(count)]


async def key_frames(file: BinaryIO, facts: Mapping[str, Any]) -> list[Frame]:
    """A picture of each scene; of a video with fewer than three, some that are spread over it."""
    starts = (await scenes_of(file, facts)).starts
    times = middles(starts, facts["seconds"], KEY_FRAMES) if len(starts) > 2 else spread(4, facts["seconds"])
    return await frames_at(file, times, 768)


async def speech_in(file: BinaryIO, facts: Mapping[str, Any], settings: Settings, progress: Progress | None) -> str:
    """What is said, with times; or why that is not known."""
    if not facts["audio"]:
        return "(it has no sound)"
    try:
        engine = await speech_engine(settings)
        told = await transcribe(file, engine, length=facts["seconds"], seconds=SPEECH_SECONDS, progress=progress)
    except (ConfigurationError, ToolCallError) as error:
        return f"(not transcribed: {error})"
    text = told.text()
    shown = beginning(text, SPEECH_CHARS)
    if len(shown) < len(text) or not told.complete:
        shown += "\n(that is not all; transcribe_audio gives the whole)"
    return shown or "(nothing is said)"


async def answered(
    name: str, file: BinaryIO, question: str, settings: Settings, progress: Progress | None = None
) -> str:
    """The vision model's answer from key-frames and speech; without a model, the speech and the text in the frames."""
    facts = await probed(file)
    if not facts["video"]:
        raise ToolCallError(f"{name} has no pictures; transcribe_audio reads sound")
    frames = await key_frames(file, facts)
    if progress is not None:
        await progress(0.3, 1.0, f"{len(frames)} key-frames taken")
    speech = await speech_in(file, facts, settings, None)
    head = facts_text(name, facts)
    reason = why_not(settings)
    if reason is None:
        pictures = [Picture(frame.jpeg, f"Frame at {clock(frame.time)}:") for frame in frames]
        asked = f"These are frames of one video, in order. What is said in it:\n{speech}\n\n{question}"
        return f"{head}\n\n{await look(settings, pictures, asked)}"
    texts = await recognised([io.BytesIO(frame.jpeg) for frame in frames])
    told = [recognised_text(each, scripts=False) for each in texts]
    shown = "\n".join(f"[{clock(frame.time)}] {text}" for frame, text in zip(frames, told, strict=True))
    return f"{head}\n\nText in its key-frames, by local recognition:\n{shown}\n\nSpeech:\n{speech}\n\n({reason}.)"


def _jpeg(folder: Path, number: int) -> bytes:
    return Workspace(folder, 0).read(f"{number:02d}.jpg", LOOKING.output)
