"""Text in pictures, by RapidOCR's models on ONNX Runtime, within a few hundred megabytes."""

from __future__ import annotations

import warnings
from typing import Any

from tools.documents.document import EXTRA
from tools.media.reading_order import Piece, in_order
from tools.servers.extras import need

MAX_SIDE = 1800
DETECTION_SIDE = 1120
MIN_SIDE = 12


class Reader:
    """The loaded models; loading takes a second."""

    def __init__(self) -> None:
        # A line at a time and text found on a smaller copy: 450 MB for a dense page instead of 800, and faster.
        settings = {
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Rec.rec_batch_num": 1,
            "Det.limit_side_len": DETECTION_SIDE,
            "Det.limit_type": "max",
        }
        self._engine = need("rapidocr", EXTRA).RapidOCR(params=settings)

    def text(self, picture: Any) -> str:
        """The text of a PIL picture in reading order."""
        numpy = need("numpy", EXTRA)
        if min(picture.size) < MIN_SIDE:
            return ""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # palettes with transparency
            small = picture.convert("RGB")
        small.thumbnail((MAX_SIDE, MAX_SIDE))
        found = self._engine(numpy.asarray(small)[:, :, ::-1].copy())
        if found.boxes is None or not found.txts:
            return ""
        return in_order([_piece(*each) for each in zip(found.boxes, found.txts, found.scores, strict=True)])


def _piece(box: Any, text: str, score: float) -> Piece:
    across, down = box[:, 0], box[:, 1]
    return Piece(float(across.min()), float(down.min()), float(across.max()), float(down.max()), text, float(score))
