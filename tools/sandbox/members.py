"""The processes of a jail, as its own /proc shows them to this machine. Linux' proc(5).

Only its processes are seen there, and all of them, however they were started; they have the jail's numbers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

FIRST = "1"


@dataclass(frozen=True, slots=True)
class Members:
    """Looks at one jail; `first`: its process 1, as this machine numbers it."""

    first: int

    @property
    def folder(self) -> str:
        """The jail's /proc."""
        return f"/proc/{self.first}/root/proc"

    def numbers(self) -> list[str]:
        """The numbers of the processes inside, as the jail counts them."""
        with suppress(OSError):
            return [name for name in os.listdir(self.folder) if name.isdigit()]  # noqa: PTH208
        return []

    def threads(self, number: str) -> list[str]:
        """The numbers of a process's threads."""
        with suppress(OSError):
            return os.listdir(f"{self.folder}/{number}/task")  # noqa: PTH208
        return []

    def status(self, path: str) -> Mapping[str, str]:
        """What the kernel says of a process (`7`) or a thread (`7/task/9`); nothing where it has gone."""
        with suppress(OSError):
            lines = read(f"{self.folder}/{path}/status").splitlines()
            return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return {}

    def others(self, number: str) -> list[str]:
        """Those that live beside process 1 and this one, or are newer than the look at them."""
        listed = self.numbers()
        living = [each for each in listed if each not in (FIRST, number) and self._lives(each)]
        return living + [each for each in self.numbers() if each not in listed]

    def _lives(self, number: str) -> bool:
        """A first thread that has ended may have others that live."""
        status = self.status(number)
        ended = status.get("State", "X").startswith(("Z", "X"))
        return not ended or int(status.get("Threads", 0)) > 1

    def kill(self, number: str) -> None:
        """End a process. Its folder in /proc stands for it alone, also where its number is given out again."""
        with suppress(OSError):
            folder = os.open(f"{self.folder}/{number}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                signal.pidfd_send_signal(folder, signal.SIGKILL)
            finally:
                os.close(folder)


def number_inside(pid: int) -> str:
    """The number that a process of this machine has in its own namespace."""
    with suppress(OSError):
        for line in read(f"/proc/{pid}/status").splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1]
    return FIRST


def read(path: str) -> str:
    """A file of /proc."""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  read ten times a second
        return file.read()
