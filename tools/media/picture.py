"""Decodes a foreign picture, inside a sandboxed job: facts, and a plain JPEG of bounded size that carries nothing else.

The copy holds pixels only: no EXIF (place, device), no profiles, no comments, no further frames.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO", "AVIF", "TGA", "PCX", "JPEG2000")
MAX_PIXELS = 60_000_000
MAX_FRAMES = 200
UNREADABLE = (
    "it cannot be read as a picture (PNG, JPEG, GIF, WebP, BMP, TIFF, AVIF); "
    "an SVG is text, a PDF a document: read_document reads both"
)
COLOURS = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (220, 30, 30),
    "orange": (245, 140, 20), "yellow": (245, 225, 40), "green": (40, 150, 50), "cyan": (40, 200, 210),
    "blue": (40, 80, 210), "purple": (130, 50, 160), "pink": (245, 150, 190), "brown": (125, 80, 40),
    "beige": (225, 205, 170), "dark grey": (64, 64, 64), "light grey": (200, 200, 200),
}  # fmt: skip


def decode(inputs: Mapping[str, Path], out: Path, *, longest: int) -> dict[str, Any]:
    """Facts of `inputs["file"]`, and `picture.jpg` in `out`, upright, at most `longest` pixels on its longer side.

    Raises:
        ValueError: it is no picture, too large to decode, or damaged.
    """
    image, facts = opened(inputs["file"], longest)
    image.save(out / "picture.jpg", "JPEG", quality=90)
    return {**facts, "colours": _colours(image), "shown_width": image.width, "shown_height": image.height}


def opened(path: Path, longest: int) -> tuple[Image, dict[str, Any]]:
    """The first frame in RGB, upright and reduced, and what the file says of itself."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the size is checked below, before a pixel is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as image:
                facts = _facts(image)
                if reason := too_large(image.width, image.height):
                    raise ValueError(reason)
                return reduced(image, longest), facts
    except UnidentifiedImageError:
        raise ValueError(UNREADABLE) from None
    except (OSError, SyntaxError, EOFError, OverflowError, MemoryError, Image.DecompressionBombError) as error:
        raise ValueError(f"the picture is damaged ({type(error).__name__})") from None


def reduced(image: Image, longest: int) -> Image:
    """The current frame in RGB over white, upright, its longer side at most so long; `image` is changed on the way."""
    from PIL import ImageOps

    image.draft("RGB", (longest, longest))  # a JPEG is decoded at a fraction of its size
    image.thumbnail((longest, longest))
    return _plain(ImageOps.exif_transpose(image))


def too_large(width: int, height: int) -> str:
    """Why a picture that claims this size is not decoded, or nothing."""
    if width * height <= MAX_PIXELS:
        return ""
    return f"the picture claims {width:,} x {height:,} pixels; up to {MAX_PIXELS:,} are read"


def _facts(image: Image) -> dict[str, Any]:
    facts = {"format": image.format, "width": image.width, "height": image.height, "mode": image.mode}
    return {**facts, "frames": _frames(image)}


def _frames(image: Image) -> int:
    """How many frames there are, counted up to MAX_FRAMES + 1; afterwards the first is current again."""
    if not getattr(image, "is_animated", False) or image.width * image.height > MAX_PIXELS:
        return 1
    count = 1
    try:
        while count <= MAX_FRAMES:
            image.seek(count)
            count += 1
    except (EOFError, OSError, ValueError, SyntaxError):
        count = max(count, 1)
    image.seek(0)
    return count


def _plain(image: Image) -> Image:
    """RGB over white; deep greys are stretched to what is there."""
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        deep = image.convert("F")
        low, high = (float(each) for each in deep.getextrema())  # type: ignore[arg-type]  # one band
        scale = 255.0 / (high - low) if high > low else 0.0
        return deep.point(lambda value: value * scale - low * scale).convert("L").convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        cover = image.convert("RGBA")
        white = Image.new("RGBA", cover.size, "white")
        return Image.alpha_composite(white, cover).convert("RGB")
    return image.convert("RGB")


def _colours(image: Image) -> list[str]:
    """The most frequent colours, such as `white 71 %`; similar ones are counted together."""
    small = image.resize((64, 64)).quantize(16).convert("RGB")
    shares: dict[str, int] = {}
    for count, colour in small.getcolors(4096) or []:
        name = _name(colour)
        shares[name] = shares.get(name, 0) + count
    ranked = sorted(shares.items(), key=lambda each: -each[1])
    return [f"{name} {round(count * 100 / 4096)} %" for name, count in ranked[:5] if count >= 41]


def _name(colour: Any) -> str:
    return min(COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLOURS[name], colour, strict=True)))


def facts_text(name: str, facts: Mapping[str, Any]) -> str:
    """What `decode` gave, in one line."""
    frames = facts["frames"]
    many = "" if frames == 1 else f", {'more than 200' if frames > MAX_FRAMES else frames} frames (the first is read)"
    size = f"{facts['width']}x{facts['height']} pixels, mode {facts['mode']}"
    return f"{name}: {facts['format']}, {size}{many}; colours: {', '.join(facts['colours'])}"
