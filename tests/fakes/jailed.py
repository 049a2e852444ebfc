"""Commands run in a jail by tests, and what is left of them on the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.sandbox.jail import Exit, Mount, spawn
from tools.workspace import Workspace


@dataclass(frozen=True)
class Ran:
    exit: Exit
    out: str
    err: str
    seconds: float


async def run(argv: Sequence[str], place: Workspace, mounts: Sequence[Mount] = (), **options: Any) -> Ran:
    await asyncio.to_thread(place.prepare)
    mounts = [Mount(place.folder, "/workspace", writable=True), *mounts]
    options = {"seconds": 60, "cwd": "/workspace", **options}
    async with await spawn(argv, mounts=mounts, **options) as process:
        process.stdin.close()
        began = time.monotonic()
        out, err, ended = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return Ran(ended, out.decode(), err.decode(), time.monotonic() - began)


def marked(marker: str) -> list[int]:
    """Processes of this machine, in any namespace, whose command line holds the marker."""
    found = []
    for path in Path("/proc").iterdir():
        with suppress(OSError):
            if path.name.isdigit() and marker.encode() in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def gone(marker: str, first: int | None = None) -> bool:
    """Wait until no such process is left, nor the jail's first one; a loaded machine takes its time."""
    until = time.monotonic() + 10
    while marked(marker) or (first is not None and Path(f"/proc/{first}").exists()):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
