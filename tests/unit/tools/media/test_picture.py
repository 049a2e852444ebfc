"""Pictures of every kind become a plain JPEG; what is no picture, or too large, is refused before it is decoded."""

from __future__ import annotations

import re
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.fakes.media_files import slide_file
from tools.media.picture import UNREADABLE, decode, facts_text

SVG = '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&x;</text></svg>'


def decoded(path: Path, out: Path, longest: int = 500) -> dict[str, Any]:
    return decode({"file": path}, out, longest=longest)


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["monty-truth.png", "python.bmp", "72-dpi.tiff", "sonic.gif", "python-icon.jpeg"])
def test_pictures_of_a_published_package(name: str, tmp_path: Path) -> None:
    facts = decoded(slide_file(name), tmp_path)
    with Image.open(slide_file(name)) as original, Image.open(tmp_path / "picture.jpg") as made:
        assert (facts["format"], facts["width"], facts["height"]) == (original.format, *original.size)
        assert (made.format, made.mode, made.size) == ("JPEG", "RGB", original.size)
    assert facts["frames"] == (2 if name == "sonic.gif" else 1)
    assert f"{facts['width']}x{facts['height']} pixels" in facts_text(name, facts)


def test_a_photo_is_turned_upright_scaled_and_stripped(tmp_path: Path) -> None:
    photo = Image.new("RGB", (800, 400), "blue")
    photo.paste("red", (0, 0, 100, 400))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera of somebody"
    photo.save(tmp_path / "photo.jpg", exif=exif)
    facts = decoded(tmp_path / "photo.jpg", tmp_path, 200)
    with Image.open(tmp_path / "picture.jpg") as made:
        assert made.size == (100, 200)
        top = made.convert("RGB").getpixel((50, 3))
        assert isinstance(top, tuple)
        assert top[0] > 200
        assert not made.getexif()
    assert facts["colours"] == ["blue 88 %", "red 12 %"]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_is_shown(mode: str, tmp_path: Path) -> None:
    Image.linear_gradient("L").convert(mode if mode != "I;16" else "I").convert(mode).save(tmp_path / "x.tiff")
    assert decoded(tmp_path / "x.tiff", tmp_path)["mode"] == mode
    with Image.open(tmp_path / "picture.jpg") as made:
        used = made.convert("L").histogram()
    assert sum(used[:20]) > 100
    assert sum(used[235:]) > 100


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", UNREADABLE),
        (b"GIF89a", UNREADABLE),
        (SVG.encode(), UNREADABLE),
        (b"%PDF-1.7", UNREADABLE),
        (png(2_000_000_000, 2_000_000_000, b""), "up to 60,000,000 are read"),
        (
            png(60_000, 60_000, zlib.compress(bytes(10_000_000))),
            "claims 60,000 x 60,000 pixels; up to 60,000,000 are read",
        ),
        (png(5000, 5000, b"lies"), "damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) run", UNREADABLE),
    ],
)
def test_what_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ValueError, match=re.escape(said)):
        decoded(tmp_path / "x.png", tmp_path)


def test_a_gif_with_a_million_frames_is_not_counted_to_its_end(tmp_path: Path) -> None:
    frame = b"!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0"
    data = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 1_000_000 + b";"
    (tmp_path / "x.gif").write_bytes(data)
    started = time.monotonic()
    facts = decoded(tmp_path / "x.gif", tmp_path)
    assert time.monotonic() - started < 10
    assert "more than 200 frames" in facts_text("x.gif", facts)
