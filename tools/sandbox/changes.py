"""What a run does to the workspace: the files that it makes or changes, and the limit that they must keep. Blocking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tools.sandbox.contract import Limits
from tools.workspace import Workspace
from tools.workspace_walk import MAX_ENTRIES, Usage

HIDDEN = (".results/", ".draft-")
"""Names of the host's own, which no run is told of."""


@dataclass(frozen=True, slots=True)
class Before:
    """A workspace before a run. What it held already does not count against the run."""

    workspace: Workspace
    files: Mapping[str, tuple[int, int]]
    usage: Usage

    def exceeded(self, disk: int) -> bool:
        """Whether the run has made the workspace larger than it may be."""
        size, entries = self._most(disk)
        now = self.workspace.usage(entries)
        return now.deep or now.size > size or now.entries > entries

    def allowed(self, limits: Limits) -> Limits:
        """The limits for those who know nothing of what was there before."""
        return replace(limits, disk=self._most(limits.disk)[0])

    def changed(self) -> tuple[str, ...]:
        """Paths of files that were made or changed since."""
        now = self.workspace.entries()
        changed = (each.path for each in now if self.files.get(each.path) != each.version)
        return tuple(path for path in changed if not path.startswith(HIDDEN))

    def trim(self, disk: int) -> int:
        """Remove what the run wrote beyond the limit, the largest files first; how many entries are gone."""
        now = {each.path: each.version for each in self.workspace.entries()}
        kept = {path for path, version in self.files.items() if now.get(path) == version}
        size, entries = (number * 9 // 10 for number in (disk, MAX_ENTRIES))  # so that the next run has room
        return len(self.workspace.trim(max(size, self.usage.size), max(entries, self.usage.entries), kept))

    def _most(self, disk: int) -> tuple[int, int]:
        return max(disk, self.usage.size), max(MAX_ENTRIES, self.usage.entries)


def before(workspace: Workspace) -> Before:
    """Look at a workspace."""
    workspace.prepare()
    return Before(workspace, {each.path: each.version for each in workspace.entries()}, workspace.usage())
