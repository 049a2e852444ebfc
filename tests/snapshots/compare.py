"""Compare text with a file of this folder; `UPDATE_SNAPSHOTS=1` writes the file instead, and git shows what changed."""

from __future__ import annotations

import os
from pathlib import Path


def assert_snapshot(name: str, text: str) -> None:
    """Lines are compared without trailing white space, which editors remove."""
    path = Path(__file__).parent / name
    trimmed = "\n".join(line.rstrip() for line in text.strip("\n").splitlines()) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(trimmed, encoding="utf-8")
    assert trimmed == path.read_text(encoding="utf-8"), f"{name} has changed; UPDATE_SNAPSHOTS=1 accepts it"
