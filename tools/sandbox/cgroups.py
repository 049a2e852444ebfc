"""A control group of its own for a jail, where this process may make one: the kernel then holds memory and processes.

Both versions are known (cgroups(7)). Where there is none, the watchdog alone holds the limits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PREFIX = "memento-"


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """The folders that stand for it: one of version 2, or one for each controller of version 1."""

    folders: tuple[Path, ...]

    def limit(self, memory: int, processes: int) -> None:
        """Set the limits: `memory` in bytes."""
        for name, value in (
            ("memory.max", memory),
            ("memory.swap.max", 0),
            ("memory.limit_in_bytes", memory),
            ("memory.memsw.limit_in_bytes", memory),
            ("pids.max", processes),
        ):
            for folder in self.folders:
                with suppress(OSError):
                    if (folder / name).exists():
                        (folder / name).write_text(str(value))

    def add(self, pid: int) -> None:
        """Move a process there; what it starts is there too."""
        for folder in self.folders:
            with suppress(OSError):
                (folder / "cgroup.procs").write_text(str(pid))

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process of it for its memory."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with suppress(OSError):
                    lines = (folder / name).read_text().splitlines()
                    if any(line.startswith("oom_kill ") and line != "oom_kill 0" for line in lines):
                        return True
        return False

    def remove(self) -> None:
        """End what is still in it and take it away."""
        for folder in self.folders:
            with suppress(OSError):
                (folder / "cgroup.kill").write_text("1")
            for _ in range(20):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)
                else:
                    break


def control_group(memory: int, processes: int) -> ControlGroup | None:
    """A new, empty group with these limits; None where this process may not make one."""
    made = []
    for parent in _parents():
        _sweep(parent)
        folder = parent / f"{PREFIX}{os.getpid()}"
        with suppress(OSError):
            folder.mkdir()
            made.append(folder)
    if not made:
        return None
    group = ControlGroup(tuple(made))
    group.limit(memory, processes)
    return group


def _parents() -> Iterator[Path]:
    """Folders in which a group with the wanted controllers may be made, as /proc/self/cgroup names our own."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            own = path.strip("/")
            if number == "0" and (ROOT / "cgroup.controllers").is_file():
                parent = (ROOT / own).parent if own else ROOT
                wanted = {"memory", "pids"}
                if wanted <= set((parent / "cgroup.subtree_control").read_text().split()):
                    yield parent
            elif controllers in ("memory", "pids"):
                yield ROOT / controllers / own


def _sweep(parent: Path) -> None:
    """Take away what a killed supervisor left; a group that is in use cannot be removed."""
    with suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            if not Path(f"/proc/{folder.name.removeprefix(PREFIX)}").exists():
                with suppress(OSError):
                    folder.rmdir()
