"""What a backend has to be able to do for `tools.sandbox.session`: start a program apart, with pipes, and end it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tools.sandbox.contract import Ended, Limits

MAX_THREADS = 16
"""That a run may leave behind, such as a pool's; more would be in the way of the next run."""


class Spawned(Protocol):
    """A program and all that it has started."""

    async def kill(self) -> None:
        """End all of it, whatever it does, and wait until it is gone; idempotent."""
        ...

    async def limit(self, limits: Limits) -> None:
        """Let it run once more, under these limits, as far as they can be changed."""
        ...

    async def settle(self, *, stopped: bool) -> bool:
        """After a run, end what the program has left running beside itself, and hold it still as far as that can be.

        Args:
            stopped: the run was out of time, and no thread of it may be at work any more.

        Returns:
            Whether the program may be kept for another run.
        """
        ...

    async def wait(self) -> int:
        """The exit status once it has ended, negative for a signal."""
        ...

    @property
    def breach(self) -> Ended | None:
        """The limit it was ended for by whoever watches it."""
        ...


class Spawn(Protocol):
    """Starts programs beside one workspace."""

    @property
    def python(self) -> Sequence[str]:
        """The command that starts Python there."""
        ...

    @property
    def shell(self) -> Sequence[str]:
        """The command that takes a shell command as its last argument."""
        ...

    @property
    def folder(self) -> str:
        """Where the workspace is, for what is started."""
        ...

    @property
    def apart(self) -> bool:
        """Whether what is started has a process namespace of its own."""
        ...

    @property
    def lag(self) -> float:
        """Seconds by which output may come later than what was written to another pipe after it."""
        ...

    async def __call__(self, arguments: Sequence[str], limits: Limits, descriptors: Sequence[int]) -> Spawned:
        """Start a program in the workspace; it gets these open descriptors by their numbers, and no other pipe of use.

        Raises:
            SandboxError: it cannot be started.
        """
        ...
