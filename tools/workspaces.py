"""Where the workspaces are: one folder a thread under the home, and whose they are."""

from __future__ import annotations

from pathlib import Path

from tools.sandbox.unprivileged import JAIL_UID, jail_uid
from tools.workspace import Workspace


def workspace(home: Path, name: str, quota: int) -> Workspace:
    """The workspace of a thread, whose folder's name is `name`."""
    return Workspace(home / "workspaces" / name, quota, owner())


def owner() -> int | None:
    """The user id that workspaces and their files get, so that code in the sandbox may change them; None: our own.

    Started as root we give them to the user that code runs as; anybody else runs code as themselves.
    """
    return JAIL_UID if jail_uid() == JAIL_UID else None
