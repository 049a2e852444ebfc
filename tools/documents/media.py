"""Sounds and films among documents: what tools.media tells of them."""

from __future__ import annotations

import importlib
from typing import BinaryIO

from configs.errors import ToolCallError
from configs.settings import Settings
from tools.sandbox.jobs import Progress


async def media_text(name: str, file: BinaryIO, settings: Settings, progress: Progress | None) -> str:
    """Facts and transcript of a recording or a film.

    Raises:
        ToolCallError: it is damaged.
        ConfigurationError: a library or a program is missing.
    """
    try:
        facts = importlib.import_module("tools.media.facts")
    except ModuleNotFoundError:
        raise ToolCallError(f"{name} is a recording: transcribe_audio and ask_video read it") from None
    return str(await facts.describe_media(name, file, settings, progress))
