"""From a foreign recording to plain samples, and where to cut them.

`decode` runs inside a sandboxed job. What follows needs no decoder: 16-bit samples, one channel, RATE a second.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.media.ffmpeg import UNREADABLE, ffmpeg

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

RATE = 16_000
BLOCK = 600.0
"""Seconds that one job decodes: 19 MB."""
PIECE = 120.0
"""Seconds that are recognised at a time, at most."""
QUIET = 50
"""Loudness, of 32,768, below which nothing is said."""
_WINDOW = RATE // 10


def decode(inputs: Mapping[str, Path], out: Path, *, start: float, seconds: float) -> int:
    """Write `samples` of a part of `inputs["file"]` to `out`; how many there are, 0 past the recording's end.

    Raises:
        ValueError: it has no sound that can be read.
    """
    to = ["-map", "0:a:0", "-vn", "-ac", "1", "-ar", str(RATE), "-t", str(seconds), "-f", "s16le", str(out / "samples")]
    fine = ffmpeg(inputs["file"], to, ["-ss", str(start)] if start else [])
    size = (out / "samples").stat().st_size if (out / "samples").exists() else 0
    if not fine and not size:
        raise ValueError(UNREADABLE)
    return size // 2


def cuts(samples: NDArray[numpy.int16], more: bool) -> list[int]:
    """Ends of pieces of at most PIECE seconds, cut where it is quietest near their end.

    Args:
        samples: shape [n].
        more: whether the recording goes on behind them; then the last piece ends in a quiet place too.
    """
    ends: list[int] = []
    start, longest = 0, int(PIECE * RATE)
    while len(samples) - start > longest or (more and len(samples) - start > longest // 2):
        stop = min(start + longest, len(samples))
        start = _quietest(samples, stop - longest // 6, stop)
        ends.append(start)
    return ends if more else [*ends, len(samples)]


def is_quiet(samples: NDArray[numpy.int16]) -> bool:
    """Whether there is nothing to hear in it."""
    return not len(samples) or float(_loudness(samples).max(initial=0.0)) < QUIET


def as_wav(samples: bytes) -> bytes:
    """The samples as a WAV file, which speech services take."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return made.getvalue()


def _quietest(samples: NDArray[numpy.int16], first: int, last: int) -> int:
    loudness = _loudness(samples[first:last])
    return first + int(loudness.argmin()) * _WINDOW + _WINDOW // 2


def _loudness(samples: NDArray[numpy.int16]) -> NDArray[numpy.float64]:
    """The root mean square of each tenth of a second."""
    import numpy

    whole = len(samples) // _WINDOW * _WINDOW
    windows = samples[:whole].reshape(-1, _WINDOW) if whole else samples.reshape(1, -1)
    power: NDArray[numpy.float64] = (windows.astype(numpy.float64) ** 2).mean(axis=1)
    return numpy.sqrt(power)
