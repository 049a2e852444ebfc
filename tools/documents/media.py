"""Sounds and films among documents: what tools.media tells of them."""

from __future__ import annotations

from typing import BinaryIO

from configs.settings import Settings
from tools.sandbox.jobs import Progress


async def media_text(name: str, file: BinaryIO, settings: Settings, progress: Progress | None) -> str:
    """Facts and transcript of a recording or a film.

    Raises:
        ToolCallError: it is damaged.
        ConfigurationError: a library or a program is missing.
    """
    from tools.media.facts import describe_media

    return await describe_media(name, file, settings, progress)
