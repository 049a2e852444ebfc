"""Starts bubblewrap for the supervisor and waits until the command inside runs."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.sandbox.cgroups import ControlGroup
from tools.sandbox.jail_command import LAUNCHER, Mount, identity, jail_command
from tools.sandbox.seccomp import program
from tools.sandbox.unprivileged import stage

START_WITHIN = 30.0
OPEN_FILES = 512
ADDRESSES = 4
"""Address space of a process as a multiple of its memory: programs reserve more than they use."""


class StartError(Exception):
    """The jail did not start; says what bubblewrap said."""


@dataclass(frozen=True, slots=True)
class Started:
    """A jail that runs.

    Attributes:
        process: bubblewrap.
        first: process 1 of the jail, as this machine numbers it; `handle` is its descriptor (pidfd_open(2)).
        main: the process of the command, and `main_handle` its descriptor.
    """

    process: subprocess.Popen[bytes]
    first: int
    handle: int
    main: int
    main_handle: int


def start_jail(told: Mapping[str, Any], group: ControlGroup | None) -> Started:
    """Start what the first message asks for; this process gives its standard streams away.

    Raises:
        StartError: bubblewrap failed.
        OSError: it could not even be run.
    """
    mounts = [Mount(Path(source), target, writable) for source, target, writable in told["mounts"]]
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        with suppress(PermissionError):  # a root without that right may still reach the folders as they are
            mounts = stage(mounts)
        user = {"user": told["uid"], "group": told["uid"], "extra_groups": []}
    uid = told["uid"]
    pipes = _Pipes()
    given = {name: _filled(text.encode()) for name, text in identity(uid, uid if user else os.getgid()).items()}
    given |= {"seccomp": _filled(program(os.uname().machine)), "status": pipes.status[1], "block": pipes.block[0]}
    given |= {"ready": pipes.ready[1], "stderr": os.dup(2)}
    command = jail_command(told["bubblewrap"], mounts, told["env"], told["cwd"], given, init=told["init"])
    inside = {"ready": given["ready"], "stderr": given["stderr"], "limits": _resources(told["limits"])}
    command += [told["python"], "-I", "-S", LAUNCHER, json.dumps(inside), *told["argv"]]
    process = subprocess.Popen(  # noqa: S603  the path was chosen by jail_command.bubblewrap
        command, stdin=0, stdout=1, stderr=pipes.errors[1], pass_fds=[*given.values(), *told["fds"]], cwd="/", **user
    )
    for descriptor in (*given.values(), pipes.errors[1], *told["fds"]):
        os.close(descriptor)
    _let_go_of_streams()
    return _entered(process, pipes, group, told["init"])


class _Pipes:
    def __init__(self) -> None:
        self.status = os.pipe()
        self.block = os.pipe()
        self.ready = os.pipe()
        self.errors = os.pipe()


def _entered(process: subprocess.Popen[bytes], pipes: _Pipes, group: ControlGroup | None, init: bool) -> Started:
    try:
        first = json.loads(_line(pipes.status[0]))["child-pid"]
        handle = os.pidfd_open(first)
        if group is not None:
            group.add(first)
        os.write(pipes.block[1], b"1")
        if _heard(pipes.ready[0]) != b"R":
            raise StartError
        main = first if init else _child(first)
        main_handle = os.pidfd_open(main)
    except (StartError, OSError, ValueError) as error:
        process.send_signal(signal.SIGKILL)
        process.wait()
        raise StartError(_said(pipes.errors[0]) or str(error) or "it ended without a word") from None
    for descriptor in (pipes.block[1], pipes.ready[0], pipes.errors[0]):  # to status[0] bubblewrap still writes
        os.close(descriptor)
    return Started(process, first, handle, main, main_handle)


def _heard(descriptor: int) -> bytes:
    """The next bytes from a pipe; none where it closes.

    Raises:
        StartError: nothing comes in time.
    """
    if not select.select([descriptor], [], [], START_WITHIN)[0]:
        raise StartError(f"it did not start within {START_WITHIN:g} s")
    return os.read(descriptor, 4096)


def _line(descriptor: int) -> bytes:
    line = b""
    while b"\n" not in line:
        data = _heard(descriptor)
        if not data:
            raise StartError
        line += data
    return line.partition(b"\n")[0]


def _said(descriptor: int) -> str:
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        return " ".join(os.read(descriptor, 2000).decode(errors="replace").split())
    return ""


def _child(first: int) -> int:
    children = Path(f"/proc/{first}/task/{first}/children")
    for _ in range(100):
        with suppress(OSError):
            if numbers := children.read_text().split():
                return int(numbers[0])
        time.sleep(0.01)
    return first


def _resources(limits: Mapping[str, Any]) -> dict[str, int]:
    """RLIMIT_* of every process inside; the watchdog holds the sums."""
    return {
        "CORE": 0,
        "NOFILE": OPEN_FILES,
        "NPROC": limits["processes"] + 2,
        "DATA": limits["memory"],
        "AS": limits["memory"] * ADDRESSES,
        "FSIZE": limits["disk"],
        "MEMLOCK": 65536,
        "MSGQUEUE": 0,
    }


def _filled(data: bytes) -> int:
    """A descriptor from which the data can be read once."""
    descriptor = os.memfd_create("jail")
    os.write(descriptor, data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _let_go_of_streams() -> None:
    empty = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(empty, stream)
    os.close(empty)
