"""Text in pictures by RapidOCR (https://github.com/RapidAI/RapidOCR), whose models are inside its wheel.

`recognise` runs inside a sandboxed job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.media.picture import opened
from tools.media.reading_order import UNSURE, Piece, in_order

LONGEST = 2000
DETECTION_SIDE = 1120


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
    return [_one(inputs[name]) for name in sorted(inputs)]


@cache
def _engine(large: bool) -> Any:
    """A line at a time, and text of large pictures is found on a smaller copy: half the memory, and faster."""
    from rapidocr import RapidOCR

    found_on = {"Det.limit_side_len": DETECTION_SIDE, "Det.limit_type": "max"} if large else {}
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 2, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    return RapidOCR(params={"Global.log_level": "critical", "Rec.rec_batch_num": 1, **found_on, **threads})


def _one(path: Path) -> dict[str, Any]:
    import numpy

    image, _ = opened(path, LONGEST)
    found = _engine(max(image.size) > DETECTION_SIDE)(numpy.asarray(image)[:, :, ::-1].copy())
    if found.boxes is None or not found.txts:
        return {"text": "", "pieces": 0, "unsure": 0}
    pieces = [
        _piece(box, text, score)
        for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if text.strip()
    ]
    unsure = sum(piece.confidence < UNSURE for piece in pieces)
    return {"text": in_order(pieces), "pieces": len(pieces), "unsure": unsure}


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
