"""What was said in a recording: its lines with times, as text, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.media.probe import clock


@dataclass(frozen=True, slots=True)
class Line:
    """What was said from `start` to `end`, in seconds of the recording."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The lines of a recording, or of its part that was heard.

    Attributes:
        language: as ISO 639-1, as told or recognised; empty where nothing was said.
        engine: what recognised it, such as `local:tiny`.
        start, until: the part that was heard, in seconds.
        complete: whether `until` is the recording's end.
    """

    lines: tuple[Line, ...]
    language: str
    engine: str
    start: float
    until: float
    complete: bool

    @property
    def words(self) -> int:
        return sum(len(line.text.split()) for line in self.lines)

    def text(self, timestamps: bool = True) -> str:
        """All of it: a line with its time each, or running text."""
        if timestamps:
            return "\n".join(f"[{clock(line.start)}] {line.text}" for line in self.lines)
        return " ".join(line.text for line in self.lines)


def beginning(text: str, limit: int) -> str:
    """The text's first `limit` characters at most, up to the end of a line or word."""
    if len(text) <= limit:
        return text
    cut = max(text.rfind("\n", 0, limit), text.rfind(" ", limit - 100, limit))
    return text[: cut if cut > 0 else limit]


def moved(lines: Sequence[Line], seconds: float) -> list[Line]:
    """The lines of a part, in the recording's time."""
    return [Line(line.start + seconds, line.end + seconds, line.text) for line in lines]
