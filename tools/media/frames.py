"""Single pictures of a video, and where its scenes change. Both run inside a sandboxed job."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.media.ffmpeg import ffmpeg, start_ffmpeg

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

WIDTH = 320
MAX_LOOKED_AT = 6000
SHORTEST_SCENE = 0.6


def grab(inputs: Mapping[str, Path], out: Path, *, times: Sequence[float], longest: int) -> list[int]:
    """Write `NN.jpg` to `out` for each time in seconds, none negative; the numbers of those that the video has."""
    scale = f"scale='min({longest},iw)':'min({longest},ih)':force_original_aspect_ratio=decrease"
    made: list[int] = []
    for number, at in enumerate(times):
        to = ["-map", "0:v:0", "-an", "-frames:v", "1", "-vf", scale, "-q:v", "3", "-f", "image2", "-update", "1"]
        picture = out / f"{number:02d}.jpg"
        ffmpeg(inputs["file"], [*to, str(picture)], ["-ss", f"{at:.3f}"])
        if picture.exists() and picture.stat().st_size:
            made.append(number)
    return made


def scenes(
    inputs: Mapping[str, Path], out: Path, *, width: int, height: int, rate: float, seconds: float, work: float
) -> dict[str, Any]:
    """When scenes begin, in seconds, by PySceneDetect (https://www.scenedetect.com), the first at 0; and `until` where
    the video was looked at.

    At most MAX_LOOKED_AT frames, reduced to WIDTH pixels, are looked at, for `work` seconds; of a video with more,
    only the frames that are whole by themselves, which encoders put where scenes change.
    """
    del out
    from scenedetect import ContentDetector, FrameTimecode  # type: ignore[import-untyped]  # it ships no types

    ends = time.monotonic() + work
    whole_ones = (rate or 25.0) * seconds > MAX_LOOKED_AT
    rate = min(rate or 25.0, 5.0 if whole_ones else 60.0, MAX_LOOKED_AT / max(seconds, 1.0))
    detector = ContentDetector(min_scene_len=max(1, round(SHORTEST_SCENE * rate)))
    cuts: list[Any] = []
    at = FrameTimecode(0, rate)
    for number, frame in enumerate(_frames(inputs["file"], rate, width, height, whole_ones)):
        at = FrameTimecode(number, rate)
        cuts += detector.process_frame(at, frame)
        if time.monotonic() > ends:
            break
    cuts += detector.post_process(at)
    return {
        "starts": [0.0, *sorted({round(cut.frame_num / rate, 2) for cut in cuts} - {0.0})],
        "until": at.frame_num / rate,
    }


def _frames(path: Path, rate: float, width: int, height: int, whole_ones: bool) -> Iterator[NDArray[numpy.uint8]]:
    """Reduced frames, shape [height, width, 3], BGR."""
    import numpy

    wide = min(WIDTH, width)
    high = max(2, min(round(height * wide / width), 4 * WIDTH))
    to = ["-map", "0:v:0", "-an", "-vf", f"fps={rate},scale={wide}:{high}", "-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
    before = ("-skip_frame", "nokey") if whole_ones else ()
    with start_ffmpeg(path, to, before, pipe=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  it was asked for
        try:
            for _ in range(MAX_LOOKED_AT):
                data = process.stdout.read(wide * high * 3)
                if len(data) < wide * high * 3:
                    break
                yield numpy.frombuffer(data, numpy.uint8).reshape(high, wide, 3)
        finally:
            process.kill()
