"""The processes that a server has begun, as far as they stay in its session."""

from __future__ import annotations

from pathlib import Path

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
