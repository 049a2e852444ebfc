"""Text in pictures, by RapidOCR's models on ONNX Runtime, within a few hundred megabytes."""

from __future__ import annotations

from typing import Any

from tools.documents.document import EXTRA
from tools.servers.extras import need

MAX_SIDE = 2000
DETECTION_SIDE = 1280
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
        """The lines of a PIL picture from top to bottom, parts of one line on one line."""
        numpy = need("numpy", EXTRA)
        if min(picture.size) < MIN_SIDE:
            return ""
        small = picture.convert("RGB")
        small.thumbnail((MAX_SIDE, MAX_SIDE))
        found = self._engine(numpy.asarray(small))
        if found.txts is None:
            return ""
        return "\n".join(in_lines([(box.tolist(), text) for box, text in zip(found.boxes, found.txts, strict=True)]))


def in_lines(pieces: list[tuple[list[list[float]], str]]) -> list[str]:
    """Pieces of text, each with its four corners (x, y), put together where they overlap in height."""
    lines: list[tuple[float, float, list[tuple[float, str]]]] = []
    spans = [(min(p[1] for p in box), max(p[1] for p in box), min(p[0] for p in box), text) for box, text in pieces]
    for top, bottom, left, text in sorted(spans):
        if lines:
            above, below, parts = lines[-1]
            if min(bottom, below) - max(top, above) > 0.6 * min(bottom - top, below - above):
                parts.append((left, text))
                continue
        lines.append((top, bottom, [(left, text)]))
    return ["  ".join(text for _, text in sorted(parts)) for _, _, parts in lines]
