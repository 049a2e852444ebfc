"""Text in pictures by RapidOCR (https://github.com/RapidAI/RapidOCR), whose models are inside its wheel.

`recognise` runs inside a sandboxed job.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.media.picture import opened
from tools.media.reading_order import UNSURE, Piece, in_order

LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Recognised:
    """text in reading order; how many pieces there are, and how many of them are unsure."""

    text: str
    pieces: int
    unsure: int


def recognise(inputs: Mapping[str, Path], out: Path) -> list[dict[str, Any]]:
    """For each input, by name: text, pieces, unsure. One engine serves them all.

    Raises:
        ValueError: one of them is no picture.
    """
    del out
    engine = _engine()
    return [_one(engine, inputs[name]) for name in sorted(inputs)]


def _engine() -> Any:
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 2, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    return RapidOCR(params={"Global.log_level": "error", "Global.max_side_len": LONGEST, **threads})


def _one(engine: Any, path: Path) -> dict[str, Any]:
    import numpy

    image, _ = opened(path, LONGEST)
    found = engine(numpy.asarray(image)[:, :, ::-1].copy())
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
