"""What every sandbox does: run code that nobody trusts, beside a workspace, within limits, and be usable afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from tools.workspace import Workspace

Ended: TypeAlias = Literal["done", "error", "timeout", "memory", "disk", "processes", "died"]
"""How a run ended: by itself, with an error of its own, or stopped because of a limit; died: the sandbox broke down."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use.

    Attributes:
        seconds: of wall-clock time; everything has ended within one second more.
        memory: bytes of all processes together.
        processes: at once, threads included.
        disk: bytes in the workspace.
        output: characters kept of standard output and error, head and tail; all are counted.
    """

    seconds: float = 30.0
    memory: int = 1 << 30
    processes: int = 64
    disk: int = 1_000_000_000
    output: int = 20_000


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of a run.

    Attributes:
        output: standard output and error as they were written, cut in the middle where they were long.
        value: the repr of the last expression, or empty.
        error: the last line of the traceback or the exit status, in words; empty where all went well.
        files: workspace paths that were created or changed, by name.
        state_kept: whether variables of earlier runs are still there.
    """

    ended: Ended
    output: str
    value: str = ""
    error: str = ""
    files: tuple[str, ...] = ()
    seconds: float = 0.0
    state_kept: bool = True


class Session(Protocol):
    """A sandbox that was opened for one task; variables of Python code stay between runs."""

    async def run_python(self, code: str, limits: Limits) -> Execution:
        """Run Python code; never raises for what the code does.

        Raises:
            SandboxError: the sandbox cannot be used at all; the message says why and what to do.
        """
        ...

    async def run_shell(self, command: str, limits: Limits) -> Execution:
        """Run a shell command in the workspace; a process of its own, without the state of the Python code."""
        ...

    async def close(self) -> None:
        """End everything that runs in it; idempotent."""
        ...


class Sandbox(Protocol):
    """One backend. Opening nothing costs nothing; `check` and `open` may start processes."""

    name: str

    async def check(self) -> str:
        """One line on what it is, such as `bubblewrap 0.8.0, as uid 65534`, after it ran something for real.

        Raises:
            SandboxError: it does not work here; the message names the cause and the choices.
        """
        ...

    async def open(self, workspace: Workspace) -> Session:
        """A session whose only lasting, writable place is the workspace.

        Raises:
            SandboxError: as `check`.
        """
        ...


MakeSandbox: TypeAlias = Callable[[], Sandbox]
