"""What `memento doctor` asks of the media tools; reads only what is on this machine."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass

from configs.errors import ConfigurationError
from configs.settings import Settings
from tools.media.ffmpeg import need_ffmpeg
from tools.media.libraries import missing
from tools.media.speech_services import speech_service
from tools.media.vision import why_not
from tools.media.whisper import missing_line, on_disk


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: `line` says what there is, or how to mend it."""

    name: str
    ok: bool
    line: str


async def check(settings: Settings) -> list[Check]:
    """ffmpeg, text recognition, the vision model, the speech model, scenes and downloads. Nothing is loaded or sent."""
    return await asyncio.to_thread(_checks, settings)


def _checks(settings: Settings) -> list[Check]:
    return [
        _ffmpeg(),
        _library("text recognition", "rapidocr", "image"),
        _vision(settings),
        _speech(settings),
        _library("video scenes", "scenedetect", "media"),
        _library("video downloads", "yt_dlp", "media"),
    ]


def _ffmpeg() -> Check:
    try:
        need_ffmpeg()
    except ConfigurationError as error:
        return Check("ffmpeg", False, str(error))
    return Check("ffmpeg", True, "installed")


def _library(name: str, module: str, extra: str) -> Check:
    if importlib.util.find_spec(module) is None:
        return Check(name, False, missing(module, extra))
    return Check(name, True, f"{module} is installed")


def _vision(settings: Settings) -> Check:
    reason = why_not(settings)
    return Check("vision model", reason is None, reason or settings.vision_model)


def _speech(settings: Settings) -> Check:
    spec = settings.speech_model
    try:
        if spec == "none":
            return Check("speech model", True, "off (MEMENTO_SPEECH_MODEL=none)")
        if not spec.startswith("local:"):
            speech_service(spec, settings)
        elif on_disk(spec.removeprefix("local:"), settings) is None:
            return Check(
                "speech model", False, f"{spec} is fetched at its first use; if that fails: {missing_line(spec)}"
            )
    except ConfigurationError as error:
        return Check("speech model", False, str(error))
    return Check("speech model", True, spec)
