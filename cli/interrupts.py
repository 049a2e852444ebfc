"""Ctrl-C and SIGTERM: the first asks the command to stop in order, the second, or eight seconds, end the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from cli.exits import INTERRUPTED

GRACE = 8.0
SAME_PRESS = 0.5
"""Seconds in which a second signal is the first one again: timeout(1) and the like signal a process and its group."""
SHOW_CURSOR = b"\r\x1b[?25h"


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM, raised in the main thread. No KeyboardInterrupt, which typer turns into an exit of its own."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Interrupts:
    """The process's handlers. `last_words` is called before the process is ended the hard way; it must not block."""

    def __init__(self) -> None:
        self.last_words: Callable[[], None] | None = None
        self._timer: threading.Timer | None = None
        self._first = 0.0

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def ignore(self) -> None:
        """The command is done: its exit code is not to be changed while the interpreter shuts down."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def settle(self) -> None:
        """The interrupt is dealt with and the process goes on, as the chat does."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._timer is not None:
            if time.monotonic() - self._first > SAME_PRESS:
                self._end()
            return
        self._first = time.monotonic()
        self._timer = threading.Timer(GRACE, self._end)
        self._timer.daemon = True
        self._timer.start()
        raise Interrupted(number)

    def _end(self) -> None:
        try:
            if sys.__stderr__ is not None and sys.__stderr__.isatty():
                os.write(2, SHOW_CURSOR)
            if self.last_words is not None:
                self.last_words()
        finally:
            os._exit(INTERRUPTED)


INTERRUPTS = Interrupts()
"""Signals belong to the process, and so does this."""
