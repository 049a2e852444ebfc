"""Holds a jail still between two runs: its main process is stopped, and nothing else lives.

What runs inside owns its interpreter and can say what it likes, so all of this is seen and done from outside.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress

from tools.sandbox.members import Members, number_inside

PAUSE = 0.0002
IDLE = 0.1
"""Seconds in which a thread that is idle does not move."""
SWITCHES = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")


class Resting:
    """The main process of one jail, held or running. `handle`: its descriptor (pidfd_open(2))."""

    def __init__(self, first: int, main: int, handle: int) -> None:
        self._members = Members(first)
        self._main = number_inside(main)
        self._handle = handle
        self._known: AbstractSet[str] = frozenset()
        self._rests = False
        self._moves: list[str] = []

    def run(self) -> None:
        """Let it run; the threads that it has at this moment are known."""
        self._known = frozenset(self._members.threads(self._main))
        self._rests, self._moves = False, []
        self._signal(signal.SIGCONT)

    def settle(self, threads: int, idle: bool, within: float) -> bool:
        """Stop it and end all others; whether that was done and what it has left in itself is tolerable.

        Code that starts others faster than they are killed is not tolerated.

        Args:
            within: seconds until all others must have ended.
            threads: that it may have more than when it began to run.
            idle: whether these must be at rest by themselves.
        """
        if idle and self._at_work():
            return False
        until = time.monotonic() + within
        while not self._alone():
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        self._rests = True
        return len(self._new_threads()) <= threads

    def disturbed(self) -> bool:
        """Whether it has moved since it was stopped, as a timer of its own may have it do, or is not alone."""
        if not self._rests:
            return False
        status = self._members.status(self._main)
        moves = [status.get(name, "") for name in SWITCHES]
        earlier, self._moves = self._moves or moves, moves
        return not _stopped(status) or moves != earlier or bool(self._members.others(self._main))

    def _alone(self) -> bool:
        """Stop it, kill the others, and look whether that was all: a killed process takes a moment to go."""
        self._signal(signal.SIGSTOP)
        for number in self._members.others(self._main):
            self._members.kill(number)
        return _stopped(self._members.status(self._main)) and not self._members.others(self._main)

    def _at_work(self) -> bool:
        """Whether a thread that is new runs, or did for a moment while it was looked at."""
        new = self._new_threads()
        if not new:
            return False
        earlier = self._moved(new)
        time.sleep(IDLE)
        return self._moved(new) != earlier or any(self._state(thread).startswith("R") for thread in new)

    def _new_threads(self) -> list[str]:
        return [thread for thread in self._members.threads(self._main) if thread not in self._known]

    def _moved(self, threads: list[str]) -> list[list[str]]:
        told = [self._members.status(f"{self._main}/task/{thread}") for thread in threads]
        return [[each.get(name, "") for name in SWITCHES] for each in told]

    def _state(self, thread: str) -> str:
        return self._members.status(f"{self._main}/task/{thread}").get("State", "")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(OSError):
            signal.pidfd_send_signal(self._handle, number)


def _stopped(status: Mapping[str, str]) -> bool:
    return status.get("State", "").startswith("T")
