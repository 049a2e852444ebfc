"""Where the workspaces are: one folder a thread under the home."""

from __future__ import annotations

from pathlib import Path

from tools.workspace import Workspace


def workspace(home: Path, name: str, quota: int) -> Workspace:
    """The workspace of a thread, whose folder's name is `name`."""
    return Workspace(home / "workspaces" / name, quota)
