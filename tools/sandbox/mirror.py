"""A workspace and its copy in a sandbox elsewhere: what changed here goes there before a run, and back after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from configs.errors import ToolCallError
from tools.workspace import Workspace, parts

MAX_FILES = 1000
Stamp: TypeAlias = tuple[int, float]
"""A file's size in bytes and its time of change in seconds; another stamp means other content."""


class RemoteFiles(Protocol):
    """The files of a folder elsewhere. What it answers is not trusted."""

    async def stamps(self) -> Mapping[str, Stamp]:
        """Every regular file by its path from the folder's root."""
        ...

    async def get(self, path: str) -> bytes:
        """A file's bytes."""
        ...

    async def put(self, path: str, data: bytes) -> None:
        """Create or replace a file, and the folders it is in."""
        ...


@dataclass(slots=True)
class Mirror:
    """Keeps a workspace and a remote folder alike. Files deleted on one side stay on the other."""

    workspace: Workspace
    remote: RemoteFiles
    _here: dict[str, Stamp] = field(default_factory=dict)
    _there: dict[str, Stamp] = field(default_factory=dict)

    async def push(self) -> None:
        """Send every file that is new or changed here."""
        changed = {path: stamp for path, stamp in (await self._stamps_here()).items() if self._here.get(path) != stamp}
        for path in list(changed)[:MAX_FILES]:
            data = await asyncio.to_thread(self.workspace.read, path, self.workspace.quota)
            await self.remote.put(path, data)
        self._here.update(changed)
        self._there = dict(await self.remote.stamps())

    async def pull(self) -> tuple[tuple[str, ...], str]:
        """Fetch every file that is new or changed there since `push`.

        Returns:
            The paths that were written here, and why the others were not, or an empty text.
        """
        stamps = await self.remote.stamps()
        changed = sorted(path for path, stamp in stamps.items() if self._there.get(path) != stamp)
        taken: list[str] = []
        fault = f"only {MAX_FILES} of {len(changed)} changed files were taken" if len(changed) > MAX_FILES else ""
        for path in changed[:MAX_FILES]:
            try:
                await self._take(path, stamps[path])
            except ToolCallError as error:
                fault = str(error)
                continue
            taken.append(path)
        self._there = dict(stamps)
        self._here.update((path, stamp) for path, stamp in (await self._stamps_here()).items() if path in taken)
        return tuple(taken), fault

    async def _take(self, path: str, stamp: Stamp) -> None:
        parts(path)
        room = self.workspace.quota - await asyncio.to_thread(self.workspace.used)
        if stamp[0] > room:
            raise ToolCallError(f"the workspace is full: {path[:100]!r} of {stamp[0]:,} bytes was not taken")
        data = await self.remote.get(path)
        await asyncio.to_thread(self.workspace.write, path, data)

    async def _stamps_here(self) -> dict[str, Stamp]:
        entries = await asyncio.to_thread(self.workspace.entries)
        return {entry.path: (entry.size, entry.modified) for entry in entries}
