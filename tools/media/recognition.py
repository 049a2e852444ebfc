"""Text in pictures by RapidOCR (https://github.com/RapidAI/RapidOCR), whose models are inside its wheel.

`recognise` and `read` run inside sandboxed jobs; documents and pictures are read with the same engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.media.picture import opened, reduced
from tools.media.reading_order import UNSURE, Piece, in_order
from tools.servers.extras import need

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 1800
MIN_SIDE = 12
DETECTION_SIDE = 1120
SMALL_SIDE = 736
"""Text of a small picture is found on a copy whose shorter side is so long."""


CLEAR = 0.9
"""Pieces of writing that is read well are this sure."""
MIN_LETTERS = 10
_EAST = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Recognised:
    """text in reading order; how many pieces there are, how many of them are unsure; how sure all are, from 0 to 1."""

    text: str
    pieces: int
    unsure: int
    sure: float = 1.0


def recognise(inputs: Mapping[str, Path], out: Path) -> list[dict[str, Any]]:
    """For each input, by name: text, pieces, unsure.

    Raises:
        ValueError: one of them is no picture.
    """
    del out
    return [asdict(read(opened(inputs[name], LONGEST)[0])) for name in sorted(inputs)]


@cache
def _engine(enlarged: bool) -> Any:
    """A line at a time, and text of large pictures is found on a smaller copy: half the memory, and faster."""
    side, kind = (SMALL_SIDE, "min") if enlarged else (DETECTION_SIDE, "max")
    found_on = {"Det.limit_side_len": side, "Det.limit_type": kind}
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 2, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    engine = need("rapidocr", "documents").RapidOCR
    return engine(params={"Global.log_level": "critical", "Rec.rec_batch_num": 1, **found_on, **threads})


def read(picture: Image) -> Recognised:
    """The text of a picture, which is reduced on the way and turned upright; none of one smaller than MIN_SIDE.

    Raises:
        ConfigurationError: RapidOCR is not installed.
    """
    if min(picture.size) < MIN_SIDE:
        return Recognised("", 0, 0)
    image = reduced(picture, LONGEST)
    pieces = _upright(image, _pieces(image))
    unsure = sum(piece.confidence < UNSURE for piece in pieces)
    return Recognised(in_order(pieces), len(pieces), unsure, _sure(pieces))


def _pieces(image: Image, *, flip: bool = True) -> list[Piece]:
    """flip: whether lines that stand on their heads are read as well."""
    import numpy

    # A long strip is not enlarged: its lines would be found in parts.
    enlarged = max(image.size) * SMALL_SIDE <= DETECTION_SIDE * min(image.size)
    found = _engine(enlarged)(numpy.asarray(image)[:, :, ::-1].copy(), use_cls=flip)
    if found.boxes is None or not found.txts:
        return []
    told = zip(found.boxes, found.txts, found.scores, strict=True)
    return [_piece(box, text, score) for box, text, score in told if text.strip()]


def _upright(image: Image, pieces: list[Piece]) -> list[Piece]:
    """The pieces of the picture turned by 90, 270 or 180 degrees where they stand upright or are read badly.

    Writing from top to bottom, as Chinese has it, is left as it is.
    """
    words = [piece for piece in pieces if len(piece.text) > 2]
    tall = [each for each in words if each.height > 1.5 * (each.right - each.left) and not _EAST.search(each.text)]
    if len(tall) >= 2 and len(tall) * 2 > len(words):
        turned = _pieces(image.rotate(90, expand=True), flip=False)
        if _sure(turned) < CLEAR:
            turned = max(turned, _pieces(image.rotate(270, expand=True), flip=False), key=_sure)
        return turned if _sure(turned) > 0.9 * _sure(pieces) else pieces
    if len(words) >= 2 and _sure(words) < UNSURE:
        turned = _pieces(image.rotate(180), flip=False)
        return turned if _sure(turned) > max(CLEAR, _sure(pieces)) else pieces
    return pieces


def _sure(pieces: list[Piece]) -> float:
    """How sure the pieces are, each for its length."""
    length = sum(len(piece.text) for piece in pieces)
    return sum(piece.confidence * len(piece.text) for piece in pieces) / length if length else 0.0


def _piece(box: Any, text: str, score: float) -> Piece:
    """`box`: corners, shape [4, 2]."""
    left, top = (float(edge) for edge in box.min(axis=0))
    right, bottom = (float(edge) for edge in box.max(axis=0))
    return Piece(left, top, right, bottom, text, float(score))


def recognised_text(found: Recognised, *, scripts: bool = True) -> str:
    """The text with a hint where it is unsure, or that there is none; and, with `scripts`, `unread_scripts`."""
    text = found.text or "(no text was recognised in it)"
    unsure = f"({found.unsure} of {found.pieces} pieces are unsure, marked [?])" if found.unsure else ""
    return "\n\n".join(filter(None, (text, unsure, unread_scripts(found) if scripts else "")))


def unread_scripts(found: Recognised) -> str:
    """What can be read, where little was or it is unsure: other writing is left out or taken for similar letters."""
    letters = sum(letter.isalpha() for letter in found.text)
    if letters >= MIN_LETTERS and found.sure >= CLEAR:
        return ""
    return "(Text recognition reads Latin, Chinese and Japanese writing; other scripts are missing or come out wrong.)"
