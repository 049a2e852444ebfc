"""Pictures for a model that cannot see them: decoded in the sandbox, then the vision model, or facts and text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from configs.settings import Settings
from tools.media.libraries import require
from tools.media.picture import facts_text
from tools.media.recognition import Recognised, recognised_text
from tools.media.vision import Picture, look, why_not
from tools.sandbox.jobs import JobLimits, run_job
from tools.workspace import Workspace

LONGEST = 1568
"""Pixels of the longer side that are sent; more is scaled down by the models' endpoints themselves."""
DECODING = JobLimits(seconds=30, output=30_000_000)
RECOGNITION = JobLimits(seconds=120, output=1_000_000)
DESCRIBE = (
    "Describe this picture: what kind of picture it is, what it shows (objects, people, places, their number and "
    "position), its text word for word, and for a chart or table its axes and values."
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as JPEG, and the facts of its file."""

    facts: Mapping[str, Any]
    jpeg: bytes


async def decoded(file: BinaryIO, longest: int = LONGEST) -> Decoded:
    """A picture of a foreign file.

    Raises:
        ToolCallError: it is none, damaged, or too large.
        ConfigurationError: Pillow is not installed.
    """
    await asyncio.to_thread(require, "PIL", "image")
    await asyncio.to_thread(file.seek, 0)
    async with run_job("tools.media.picture:decode", {"file": file}, {"longest": longest}, DECODING) as result:
        return Decoded(result.value, await asyncio.to_thread(_jpeg, result.files))


async def recognised(files: Sequence[BinaryIO]) -> list[Recognised]:
    """The text in pictures of foreign files, at most 100 of them.

    Raises:
        ToolCallError: one of them is no picture, damaged, or too large.
        ConfigurationError: RapidOCR is not installed.
    """
    await asyncio.to_thread(require, "rapidocr", "image")
    inputs = {f"{number:02d}": file for number, file in enumerate(files)}
    for file in files:
        await asyncio.to_thread(file.seek, 0)
    async with run_job("tools.media.recognition:recognise", inputs, {}, RECOGNITION) as result:
        return [Recognised(**each) for each in result.value]


async def described(name: str, file: BinaryIO, settings: Settings) -> str:
    """What is in a picture, by the vision model or without one; first the facts of its file."""
    return await answered(name, file, DESCRIBE, settings)


async def answered(name: str, file: BinaryIO, question: str, settings: Settings) -> str:
    """The vision model's answer; without a model, the facts and the text, and how to configure one."""
    picture = await decoded(file)
    facts = facts_text(name, picture.facts)
    reason = why_not(settings)
    if reason is None:
        return f"{facts}\n\n{await look(settings, [Picture(picture.jpeg)], question)}"
    (found,) = await recognised([file])
    return f"{facts}\n\nText in it, by local recognition:\n{recognised_text(found)}\n\n({reason}.)"


def _jpeg(folder: Path) -> bytes:
    return Workspace(folder, 0).read("picture.jpg", DECODING.output)
