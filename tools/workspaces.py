"""Where the workspaces are: one folder a thread under the home."""

from __future__ import annotations

import os
from pathlib import Path

from tools.sandbox.unprivileged import jail_uid
from tools.workspace import Workspace


def workspace(home: Path, name: str, quota: int) -> Workspace:
    """The workspace of a thread, whose folder's name is `name`; its files belong to whom code runs as."""
    return Workspace(home / "workspaces" / name, quota, jail_uid() if os.geteuid() == 0 else None)
