"""Text in pictures by RapidOCR (https://github.com/RapidAI/RapidOCR), whose models are inside its wheel.

`recognise` and `read` run inside sandboxed jobs; documents and pictures are read with the same engine.
"""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Recognised:
    """text in reading order; how many pieces there are, and how many of them are unsure."""

    text: str
    pieces: int
    unsure: int


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
    """The text of a picture, which is reduced on the way; none of one smaller than MIN_SIDE.

    Raises:
        ConfigurationError: RapidOCR is not installed.
    """
    import numpy

    if min(picture.size) < MIN_SIDE:
        return Recognised("", 0, 0)
    image = reduced(picture, LONGEST)
    # A long strip is not enlarged: its lines would be found in parts.
    enlarged = max(image.size) * SMALL_SIDE <= DETECTION_SIDE * min(image.size)
    found = _engine(enlarged)(numpy.asarray(image)[:, :, ::-1].copy())
    if found.boxes is None or not found.txts:
        return Recognised("", 0, 0)
    pieces = [
        _piece(box, text, score)
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if text.strip()
    ]
    unsure = sum(piece.confidence < UNSURE for piece in pieces)
    return Recognised(in_order(pieces), len(pieces), unsure)


def _piece(box: Any, text: str, score: float) -> Piece:
    """`box`: corners, shape [4, 2]."""
    left, top = (float(edge) for edge in box.min(axis=0))
    right, bottom = (float(edge) for edge in box.max(axis=0))
    return Piece(left, top, right, bottom, text, float(score))


def recognised_text(found: Recognised) -> str:
    """The text with a hint where it is unsure, or that there is none."""
    if not found.pieces:
        return "(no text was recognised in it)"
    hint = f"\n\n({found.unsure} of {found.pieces} pieces are unsure, marked [?])" if found.unsure else ""
    return f"{found.text}{hint}"
