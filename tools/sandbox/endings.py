"""How a run ended, in words for the model."""

from __future__ import annotations

import signal

from tools.sandbox.contract import Ended, Limits


def in_words(ended: Ended, limits: Limits) -> str:
    """The line for a run that was stopped; empty for one that ended by itself."""
    match ended:
        case "timeout":
            return f"stopped after {limits.seconds:g} s"
        case "memory":
            return f"stopped: it needs more than {_bytes(limits.memory)} of memory"
        case "disk":
            return f"stopped: the workspace takes no more than {_bytes(limits.disk)} and 10,000 files"
        case "processes":
            return f"stopped: it started more than {limits.processes} processes and threads"
        case "died":
            return "Python ended without an answer (it crashed, or the code ended it)"
        case _:
            return ""


def of_status(status: int) -> str:
    """The line for an exit status; empty for 0. Shells report a signal as 128 and its number."""
    number = -status if status < 0 else status - 128
    if number > 0:
        try:
            return f"ended by {signal.Signals(number).name}"
        except ValueError:
            pass
    return f"exit status {status}" if status else ""


def _bytes(number: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:,} bytes"
