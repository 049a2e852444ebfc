"""What the held servers of one loop have in common."""

from __future__ import annotations

from dataclasses import dataclass

from anyio.abc import TaskGroup

from tools.listings import Listings
from tools.saved_files import Folders


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all servers of one loop share. owners: the group their owner tasks run in. Times in seconds."""

    owners: TaskGroup
    listings: Listings
    folders: Folders
    start_timeout: float
    call_timeout: float
