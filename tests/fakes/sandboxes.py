"""What the tests of sandboxes share: sessions to be attacked, and a look at what they left on this machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from configs.settings import load_settings
from tools.sandbox.backends import make_sandbox
from tools.sandbox.contract import Execution, Limits, Session
from tools.workspace import Workspace
from tools.workspaces import workspace

Backend: TypeAlias = Literal["bubblewrap", "subprocess"]
QUOTA = 60_000_000
LIMITS = Limits(seconds=20, memory=400 << 20, processes=40, disk=QUOTA, output=4000)


@asynccontextmanager
async def opened(backend: str, home: Path, name: str = "task") -> AsyncIterator[tuple[Session, Workspace]]:
    """A session of a backend with a workspace of its own."""
    overrides = [f"home={home}", f"sandbox={backend}", "allow_unsafe_code=true"]
    settings = await asyncio.to_thread(load_settings, None, overrides)
    space = await asyncio.to_thread(workspace, settings.home, name, QUOTA)
    session = await (await asyncio.to_thread(make_sandbox, settings)).open(space)
    try:
        yield session, space
    finally:
        await session.close()


async def check_usable(session: Session) -> None:
    """Python, the shell and the workspace work."""
    first = await session.run_python("open('there.txt', 'w').write('yes'); 6 * 7", LIMITS)
    assert (first.ended, first.value) == ("done", "42"), first
    second = await session.run_shell("cat there.txt && rm there.txt", LIMITS)
    assert (second.ended, second.output) == ("done", "yes"), second


async def quickest(session: Session, code: str, limits: Limits, *, shell: bool = False, tries: int = 3) -> Execution:
    """The quickest of some tries of something that must be stopped in time; one is enough on a machine that is idle."""
    best: Execution | None = None
    for _ in range(tries):
        found = await (session.run_shell if shell else session.run_python)(code, limits)
        best = found if best is None or found.seconds < best.seconds else best
        if best.seconds <= limits.seconds + 1:
            break
    assert best is not None
    return best


def processes_with(mark: str) -> list[int]:
    """Processes of this machine with a text in their command line. Blocks."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if mark.encode() in line and state != "Z":
                found.append(int(entry.name))
    return found


async def there(mark: str) -> None:
    """Wait until there is a process with this text."""
    while not await asyncio.to_thread(processes_with, mark):  # noqa: ASYNC110  nothing tells
        await asyncio.sleep(0.02)


async def gone(mark: str, seconds: float = 5) -> bool:
    """Whether no process with this text is left, or will be in time."""
    end = time.monotonic() + seconds
    while found := await asyncio.to_thread(processes_with, mark):
        if time.monotonic() > end:
            return not found
        await asyncio.sleep(0.05)
    return True
