"""What jobs of a hostile file could do, as functions for `run_job`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError, ToolCallError

PRELOAD = ("colorsys",)
Inputs = Mapping[str, Path]


def sizes(inputs: Inputs, out: Path, **arguments: Any) -> dict[str, Any]:
    """The well-behaved one."""
    (out / "nested").mkdir()
    (out / "nested" / "copy.bin").write_bytes(inputs["file"].read_bytes())
    return {"sizes": {key: path.stat().st_size for key, path in inputs.items()}, **arguments}


def steps(inputs: Inputs, out: Path, progress: Callable[[float, float | None, str], None]) -> int:
    for step in range(4):
        progress(step, 3, f"step {step}")
        time.sleep(0.15)
    return 3


def tell_garbage(inputs: Inputs, out: Path, progress: Callable[[float, float | None, str], None]) -> None:
    progress(1, 1, "bad \udcff\x1b[2J\u202e step")
    time.sleep(0.2)


def fail(inputs: Inputs, out: Path, kind: str) -> None:
    kinds: dict[str, type[Exception]] = {
        "value": ValueError,
        "tool": ToolCallError,
        "configuration": ConfigurationError,
        "other": KeyError,
    }
    raise kinds[kind]("line one\nline two")


def segfault(inputs: Inputs, out: Path) -> None:
    ctypes.string_at(8)


def eat_memory(inputs: Inputs, out: Path) -> int:
    return len([bytearray(64 << 20) for _ in range(64)])


def eat_shared_memory(inputs: Inputs, out: Path) -> None:
    """Past the limit of one process, by many."""
    for _ in range(16):
        if os.fork() == 0:
            held = bytearray(b"x") * (100 << 20)
            time.sleep(60 + len(held) * 0)
    time.sleep(60)


def fill_disk(inputs: Inputs, out: Path) -> None:
    for number in range(10_000):
        (out / str(number)).write_bytes(bytes(1 << 20))


def hang(inputs: Inputs, out: Path) -> None:
    """In C, with every signal ignored that can be, and a daemon beside it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen(["setsid", "sleep", "1000"])
    ctypes.CDLL(None).sleep(1000)


def leave_daemon(inputs: Inputs, out: Path) -> int:
    return subprocess.Popen(["setsid", "sh", "-c", "(sleep 1000 &) ; sleep 1000"]).pid


def processes(inputs: Inputs, out: Path) -> list[str]:
    return sorted(path.name for path in Path("/proc").iterdir() if path.name.isdigit())


def leave_traps(inputs: Inputs, out: Path) -> None:
    (out / "link").symlink_to("/etc/shadow")
    (out / "loop").symlink_to("loop")
    os.mkfifo(out / "pipe")
    (out / "plain.txt").write_text("plain")
    (out / "locked").mkdir(mode=0)
    (out / "result.json").mkdir()
    Path("/tmp/left").write_text("for the next job")
    (out.parent / "result" / "result.json").symlink_to("/etc/hostname")


def close_folders(inputs: Inputs, out: Path) -> None:
    for folder in (out, out.parent / "result", *map(Path, ("/tmp", "/dev/shm") if os.getuid() else ())):
        folder.chmod(0)


def environment(inputs: Inputs, out: Path) -> list[str]:
    return list(os.environ.values())


def nest(inputs: Inputs, out: Path) -> None:
    os.chdir(out)
    for _ in range(150):
        Path("d").mkdir()
        os.chdir("d")


def look_around(inputs: Inputs, out: Path) -> dict[str, Any]:
    """What a job can see of others, of the server and of the machine."""

    def tried(action: Callable[[], object]) -> str:
        try:
            action()
        except OSError as error:
            return type(error).__name__
        return "done"

    return {
        "tmp": sorted(path.name for path in Path("/tmp").iterdir()),
        "out": sorted(path.name for path in out.iterdir()),
        "server's memory": tried(lambda: Path("/proc/1/mem").open("rb")),
        "server's streams": tried(lambda: list(Path("/proc/1/fd").iterdir())),
        "write input": tried(lambda: inputs["file"].write_bytes(b"changed")),
        "network": tried(_connect),
        "project": sorted(path.name for path in Path("/project").iterdir()),
        "kill server": _survives_kill(),
        "loaded": "colorsys" in sys.modules,
    }


def big_result(inputs: Inputs, out: Path) -> str:
    return "x" * 50_000_000


def exit_at_once(inputs: Inputs, out: Path) -> None:
    os._exit(3)


def _survives_kill() -> bool:
    os.kill(1, signal.SIGKILL)
    time.sleep(0.05)
    return Path("/proc/1").exists()


def _connect() -> None:
    import socket

    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("1.1.1.1", 80))
