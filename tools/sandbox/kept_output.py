"""What is kept of an output of any length: its head and its tail, and how much there was."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class KeptOutput:
    """Takes text in pieces and keeps at most `limit` characters of it, half from its head and half from its end."""

    limit: int
    total: int = 0
    _head: str = ""
    _tail: str = ""
    _half: int = field(init=False)

    def __post_init__(self) -> None:
        self._half = self.limit // 2

    def add(self, text: str) -> None:
        """Take a piece."""
        self.total += len(text)
        room = self.limit - self._half - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        self._tail = (self._tail + text[-self._half :])[-self._half :] if self._half else ""

    def text(self) -> str:
        """All of it, or head and tail with a line between that says how much is missing."""
        missing = self.total - len(self._head) - len(self._tail)
        if missing <= 0:
            return self._head + self._tail
        return f"{self._head}\n[... {missing:,} characters left out ...]\n{self._tail}"
