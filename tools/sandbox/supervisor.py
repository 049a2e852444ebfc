"""The process beside a jail: starts it, watches it, and ends it when told to, at a limit, or when we are gone.

A process of its own, because a limit must hold while the program that wants it is busy, and because bubblewrap's
`--die-with-parent` fires when the *thread* that started it ends. It gets the jail's three standard streams as its own
and talks JSON lines over a socket; when the other end of that closes, for whatever reason, the jail ends.
Standard library only; started with `python -I -S`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tools.sandbox.cgroups import ControlGroup, control_group
from tools.sandbox.jail_start import Started, StartError, start_jail
from tools.sandbox.resting import Resting
from tools.sandbox.watchdog import Watchdog

LIGHT = 0.1
"""Seconds between looks at memory; looks at the disk take at most a tenth of the time."""
HEAVY = 0.3
CGROUP_SLACK = 32 << 20
GONE_WITHIN = 5.0
SETTLES_WITHIN = (0.4, 1.0)
"""Seconds for a command to become still after a run: where the run's time is over, and where it is not."""


def main(control: int) -> None:
    """Run one jail from its first message to its end."""
    with socket.socket(fileno=control) as channel:
        lines = channel.makefile("r", encoding="utf-8")
        told = json.loads(lines.readline())
        limits = told["limits"]
        group = control_group(limits["memory"] + CGROUP_SLACK, limits["processes"] + 8)
        # Opened before the jail is started, since that may cover the folders for this process too.
        watched = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) for folder in told["watched"]]
        try:
            started = start_jail(told, group)
        except (StartError, OSError) as error:
            _say(channel, failed=str(error))
        else:
            _say(channel, started=started.first)
            _say(channel, ended=_Supervisor(channel, started, group, watched, told).run())
        finally:
            if group is not None:
                group.remove()


class _Supervisor:
    """Holds one jail that runs."""

    def __init__(
        self,
        channel: socket.socket,
        started: Started,
        group: ControlGroup | None,
        watched: Sequence[int],
        told: Mapping[str, Any],
    ) -> None:
        self._channel = channel
        self._started = started
        self._group = group
        limits = told["limits"]
        self._watchdog = Watchdog(started.first, watched, limits["memory"], limits["processes"] + 2, limits["disk"])
        self._resting = Resting(started.first, started.main, started.main_handle)
        self._deadline = _deadline(told["seconds"])
        self._reason = ""
        self._pending = b""

    def run(self) -> dict[str, Any]:
        """Until the jail has ended: its exit status and why it was stopped, if it was."""
        process = os.pidfd_open(self._started.process.pid)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(self._channel, select.POLLIN | select.POLLHUP)
        light_at = heavy_at = time.monotonic() + LIGHT
        ended = False
        while not ended and not self._reason:
            ready = {descriptor for descriptor, _ in poll.poll(max(0, light_at - time.monotonic()) * 1000)}
            ended = process in ready
            if self._channel.fileno() in ready:
                self._obey()
            if time.monotonic() >= light_at and not self._reason:
                self._reason = self._looked()
                light_at = time.monotonic() + LIGHT
            if time.monotonic() >= heavy_at and not self._reason:
                began = time.monotonic()
                self._reason = self._watchdog.heavy() or ""
                heavy_at = time.monotonic() + max(HEAVY, 10 * (time.monotonic() - began))
        os.close(process)
        gone = self._end()
        code = self._started.process.returncode
        reason = self._reason or self._out_of_memory()
        return {"code": code if code >= 0 else 128 - code, "reason": reason, "gone": gone}

    def _looked(self) -> str:
        return self._watchdog.light() or self._timed_out() or self._out_of_memory() or self._disturbed()

    def _obey(self) -> None:
        with suppress(BlockingIOError):
            data = self._channel.recv(65536, socket.MSG_DONTWAIT)
            if not data:
                self._reason = "left alone"
            *lines, self._pending = (self._pending + data).split(b"\n")
            for line in lines:
                self._command(json.loads(line))

    def _command(self, told: Mapping[str, Any]) -> None:
        if told["do"] == "kill":
            self._reason = "killed"
        elif told["do"] == "interrupt":
            self._interrupt()
        elif told["do"] == "settle":
            self._settle(told["threads"], told["idle"])
        elif told["do"] == "limits":
            limits = told["limits"]
            self._watchdog.memory, self._watchdog.disk = limits["memory"], limits["disk"]
            self._watchdog.processes = limits["processes"] + 2
            if self._group is not None:
                self._group.limit(limits["memory"] + CGROUP_SLACK, limits["processes"] + 8)
            self._deadline = _deadline(told["seconds"])
            self._resting.run()

    def _settle(self, threads: int, idle: bool) -> None:
        least, most = SETTLES_WITHIN
        left = most if self._deadline is None else min(most, self._deadline - time.monotonic())
        settled = self._resting.settle(threads, idle, max(least, left))
        self._deadline = None
        _say(self._channel, settled=settled)

    def _interrupt(self) -> None:
        """SIGINT to the command's process group, as a terminal does; bubblewrap's process 1, in it too, ignores it."""
        with suppress(OSError):
            signal.pidfd_send_signal(self._started.main_handle, 0)  # it is still that process
            os.killpg(os.getpgid(self._started.main), signal.SIGINT)

    def _timed_out(self) -> str:
        return "timeout" if self._deadline is not None and time.monotonic() >= self._deadline else ""

    def _disturbed(self) -> str:
        return "disturbed" if self._resting.disturbed() else ""

    def _out_of_memory(self) -> str:
        return "memory" if self._group is not None and self._group.out_of_memory() else ""

    def _end(self) -> bool:
        """Kill process 1, and with it everything in the namespace; whether it has all gone."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._started.handle, signal.SIGKILL)
        self._started.process.kill()
        self._started.process.wait()
        # Process 1 only ends after the kernel has ended every other process of its namespace (pid_namespaces(7)).
        gone = select.select([self._started.handle], [], [], GONE_WITHIN)[0]
        return bool(gone)


def _deadline(seconds: float | None) -> float | None:
    return time.monotonic() + seconds if seconds is not None else None


def _say(channel: socket.socket, **what: Any) -> None:
    with suppress(OSError):
        channel.sendall(json.dumps(what).encode() + b"\n")
