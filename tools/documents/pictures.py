"""Pictures: what they are, and the text in them by OCR."""

from __future__ import annotations

import warnings
from typing import Any

from tools.documents.document import EXTRA, Document, Part, Source, UnreadableError, damaged, of_parts
from tools.media.picture import too_large
from tools.media.recognition import read as recognise
from tools.media.recognition import unread_scripts
from tools.servers.extras import need

MAX_FRAMES = 20
TAGS = {
    271: "camera maker",
    272: "camera",
    305: "software",
    306: "date",
    270: "description",
    315: "artist",
    36867: "taken",
}
"""EXIF tags that are told; where a picture was taken is not among them."""
EXIF_DETAILS = 0x8769


def read(source: Source) -> Document:
    """Size, kind, EXIF, and a part for each frame with its text; frames of an animation only the first.

    Raises:
        UnreadableError: it is damaged, or too large.
    """
    image_module = need("PIL.Image", EXTRA)
    image_module.MAX_IMAGE_PIXELS = None  # judged below, before anything is decoded
    with damaged("picture"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = source.until_read.enter_context(image_module.open(source.path))
    width, height = picture.size
    if reason := too_large(width, height):
        raise UnreadableError(reason)
    frames = getattr(picture, "n_frames", 1)
    several = picture.format == "TIFF" or not getattr(picture, "is_animated", False)
    total = min(frames, MAX_FRAMES) if several else 1
    facts = [f"{picture.format}, {width} x {height} pixels, mode {picture.mode}", *_exif(picture)]
    if frames > 1:
        facts.append(f"{frames} frames" + ("" if several else ", animated; the first is read"))
    reader = _Frames(picture, source)
    if total == 1:
        return of_parts("picture", "part", [reader.part(1)], facts)
    return Document("picture", "page", total, reader.part, facts)


class _Frames:
    def __init__(self, picture: Any, source: Source) -> None:
        self._picture = picture
        self._source = source

    def part(self, number: int) -> Part:
        """The text of a frame.

        Raises:
            UnreadableError: it cannot be decoded.
        """
        with damaged("picture"):
            self._picture.seek(number - 1)
            if reason := too_large(*self._picture.size):
                raise UnreadableError(reason)
            found = recognise(self._picture)
        told = f"Text in the picture, by OCR:\n{found.text}" if found.text else "[no text found in the picture by OCR]"
        hint = unread_scripts(found)
        return Part(f"{told}\n{hint}{' ' if hint else ''}(What a picture shows: describe_image, ask_image.)")


def _exif(picture: Any) -> list[str]:
    try:
        told = dict(picture.getexif())
        told.update(picture.getexif().get_ifd(EXIF_DETAILS))
    except Exception:  # noqa: BLE001  damaged EXIF says nothing about the picture
        return []
    found = [
        f"{name}: {str(told[tag]).strip()[:200]}" for tag, name in TAGS.items() if str(told.get(tag, "")).strip(" \0")
    ]
    return [f"EXIF: {'; '.join(found)}"] if found else []
