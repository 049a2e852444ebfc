"""Folders that only their owner may enter."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> None:
    """Create a folder, and those above it that are missing, with mode 0700. Existing ones stay as they are.

    `Path.mkdir(parents=True, mode=0o700)` would leave those above it open to everybody.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
