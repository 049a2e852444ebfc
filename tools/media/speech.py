"""Recordings to transcripts: decoded part by part in the sandbox, recognised by the configured engine."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from configs.errors import ConfigurationError
from configs.settings import Settings
from tools.media.ffmpeg import need_ffmpeg
from tools.media.sound import BLOCK, RATE, cuts, is_quiet
from tools.media.speech_services import speech_service
from tools.media.transcript import Line, Transcript, moved
from tools.media.whisper import local_speech
from tools.sandbox.jobs import JobLimits, Progress, run_job
from tools.workspace import Workspace

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

DECODING = JobLimits(seconds=120, output=30_000_000)
SAMPLES_BYTES = int(BLOCK * RATE * 2) + 1_000_000


class SpeechEngine(Protocol):
    """What recognises speech in 16-bit samples, one channel, RATE a second. `name`: as configured."""

    @property
    def name(self) -> str: ...

    async def hear(self, samples: bytes, language: str | None) -> tuple[list[Line], str]:
        """Lines with times from the samples' start, and the language."""
        ...


async def speech_engine(settings: Settings) -> SpeechEngine:
    """The engine of `settings.speech_model`.

    Raises:
        ConfigurationError: there is none, or it lacks a library, a model or a key; the message is the fixing line.
    """
    spec = settings.speech_model
    if spec == "none":
        raise ConfigurationError(
            "speech recognition is off: set MEMENTO_SPEECH_MODEL to local:NAME_OR_FOLDER, openai:NAME or assemblyai"
        )
    if spec.startswith("local:"):
        return await local_speech(spec, settings)
    return speech_service(spec, settings)


async def transcribe(
    file: BinaryIO,
    engine: SpeechEngine,
    *,
    length: float,
    language: str | None = None,
    start: float = 0.0,
    seconds: float = 45.0,
    progress: Progress | None = None,
) -> Transcript:
    """What is said in a recording, from `start` on, as far as `seconds` of work reach.

    Args:
        length: of the recording in seconds, as it claims; for progress only.
        language: as ISO 639-1; without it, recognised in the first part where something is said.

    Raises:
        ToolCallError: it cannot be decoded.
    """
    await asyncio.to_thread(need_ffmpeg)
    ends = time.monotonic() + seconds
    lines: list[Line] = []
    at, complete = start, False
    while not complete and (at == start or time.monotonic() < ends):
        samples, complete = await _samples(file, at)
        begin = 0
        for end in cuts(samples, more=not complete):
            part = samples[begin:end]
            if not await asyncio.to_thread(is_quiet, part):
                heard, told = await engine.hear(part.tobytes(), language)
                lines.extend(moved(heard, at + begin / RATE))
                language = language or (told if heard else None)
            begin = end
            if progress is not None:
                await progress(at + begin / RATE, max(length, at + begin / RATE), "transcribing")
            if time.monotonic() > ends and begin < len(samples):
                complete = False
                break
        at += begin / RATE
        complete = complete and begin >= len(samples)
    return Transcript(tuple(lines), language or "", engine.name, start, at, complete)


async def _samples(file: BinaryIO, start: float) -> tuple[NDArray[numpy.int16], bool]:
    """The samples of one block, and whether it is the last."""
    import numpy

    await asyncio.to_thread(file.seek, 0)
    arguments: dict[str, Any] = {"start": start, "seconds": BLOCK}
    async with run_job("tools.media.sound:decode", {"file": file}, arguments, DECODING) as result:
        count = int(result.value)
        data = await asyncio.to_thread(_read, result.files) if count else b""
    samples = numpy.frombuffer(data[: len(data) // 2 * 2], numpy.int16)
    return samples, len(samples) < (BLOCK - 1) * RATE


def _read(folder: Path) -> bytes:
    return Workspace(folder, 0).read("samples", SAMPLES_BYTES)
