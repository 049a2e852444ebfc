"""The processes that a server has begun, as far as they stay in its session."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread

PROC = Path("/proc")


def members(leader: int) -> frozenset[int] | None:
    """The living processes of the session that `leader` leads, itself among them; None where nothing tells. Blocks."""
    if not (PROC / "self" / "stat").exists():
        return None
    found = set()
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            except (OSError, UnicodeDecodeError):
                continue  # it has just ended
            if int(session) == leader and state not in "ZX":
                found.add(int(entry.name))
    return frozenset(found)


class BegunProcesses:
    """The processes that a server has begun since it was ready."""

    def __init__(self) -> None:
        self._leader: int | None = None
        self._own: frozenset[int] = frozenset()

    async def note(self, leader: int | None) -> None:
        """The server is ready: what runs now is its own. None for a server that is no process."""
        self._leader = leader
        found = await anyio.to_thread.run_sync(members, leader) if leader is not None else None
        self._own = found or frozenset()

    async def begun(self) -> bool:
        """Whether more runs by now, or nothing tells."""
        if self._leader is None:
            return False
        now = await anyio.to_thread.run_sync(members, self._leader)
        return now is None or bool(now - self._own)
