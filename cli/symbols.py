"""The signs the progress view uses, for terminals that show Unicode and for those that don't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Symbols:
    """One character each, but for the arrow."""

    done: str
    failed: str
    pending: str
    unknown: str
    arrow: str
    dot: str
    spinner: str


UNICODE = Symbols("✓", "✗", "○", "?", "→", "·", "dots")
ASCII = Symbols("+", "x", "-", "?", "->", "|", "line")


def symbols_of(console: Console) -> Symbols:
    return UNICODE if console.encoding.lower().startswith("utf") else ASCII
