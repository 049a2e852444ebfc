"""The jail: every way out that we know is really tried, as root and as an ordinary user; nothing survives its end."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from configs.errors import SandboxError
from tests.project_files import ROOT
from tools.sandbox import jail
from tools.sandbox.contract import Limits
from tools.sandbox.jail import Exit, Mount, spawn
from tools.sandbox.unprivileged import jail_uid
from tools.workspace import Workspace
from tools.workspaces import workspace

ORDINARY = 12_345
AS_ANOTHER = "MEMENTO_TEST_ORDINARY"
PYTHON = ["python", "-I", "-S", "-c"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


@dataclass(frozen=True)
class Ran:
    exit: Exit
    out: str
    err: str
    seconds: float


async def run(argv: Sequence[str], place: Workspace, mounts: Sequence[Mount] = (), **options: Any) -> Ran:
    await asyncio.to_thread(place.prepare)
    mounts = [Mount(place.folder, "/workspace", writable=True), *mounts]
    options = {"seconds": 60, "cwd": "/workspace", **options}
    async with await spawn(argv, mounts=mounts, **options) as process:
        process.stdin.close()
        began = time.monotonic()
        out, err, ended = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return Ran(ended, out.decode(), err.decode(), time.monotonic() - began)


@pytest.fixture
def place(home: Path) -> Iterator[Workspace]:
    yield workspace(home, "thread", 100_000_000)
    subprocess.run(["/bin/rm", "-rf", str(home)], check=True)  # nested deeper than Python's rmtree goes


def marked(marker: str) -> list[int]:
    """Processes of this machine, in any namespace, whose command line holds the marker."""
    found = []
    for path in Path("/proc").iterdir():
        with suppress(OSError):
            if path.name.isdigit() and marker.encode() in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def gone(marker: str, first: int | None = None) -> bool:
    """Wait until no such process is left, nor the jail's first one; a loaded machine takes its time."""
    until = time.monotonic() + 10
    while marked(marker) or (first is not None and Path(f"/proc/{first}").exists()):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def make_program(path: Path, commands: str) -> None:
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)


@contextmanager
def host_services() -> Iterator[tuple[int, str]]:
    """A TCP server on loopback and one on an abstract socket, which the jail must not reach."""
    name = f"memento-{os.getpid()}-{time.monotonic_ns()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0{name}")
        local.listen()
        yield tcp.getsockname()[1], name


async def test_every_way_out_is_refused(place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / ".env"
    await asyncio.to_thread(secret.write_text, "OPENAI_API_KEY=CANARY")
    monkeypatch.setenv("OPENAI_API_KEY", "CANARY")
    script = Mount(ROOT / "tests" / "fakes" / "escapes.py", "/run/escapes.py")
    with host_services() as (port, name):
        arguments = [str(port), name, str(secret), str(os.getpid())]
        ran = await run(["python", "-I", "/run/escapes.py", *arguments], place, [script])
    assert ran.exit == Exit(0, "done", True), ran.err
    outcomes = json.loads(ran.out)
    assert len(outcomes) > 40
    assert {name: outcome for name, outcome in outcomes.items() if not outcome.startswith("refused: ")} == {}
    assert "CANARY" not in ran.out
    core = await asyncio.to_thread(Path("/proc/sys/kernel/core_pattern").read_text)
    assert "/bin/true" not in core


async def test_what_honest_code_needs_is_there(place: Workspace) -> None:
    code = (
        "import os, json, socket, asyncio, sys, tempfile, subprocess, multiprocessing as m\n"
        "from pathlib import Path\n"
        "import numpy\n"
        "Path('made').mkdir(); Path('made/x').write_text('x'); tempfile.mkstemp()\n"
        "server = socket.create_server(('127.0.0.1', 0)); socket.create_connection(server.getsockname())\n"
        "asyncio.run(asyncio.sleep(0)); m.Lock()\n"
        "said = subprocess.run(['sh', '-c', 'echo $HOME; id -u; ls /'], capture_output=True, text=True).stdout\n"
        "print(json.dumps({'said': said.split(), 'prefix': sys.prefix, 'env': sorted(os.environ),"
        "'processes': [p for p in os.listdir('/proc') if p.isdigit()], 'caps': open('/proc/self/status').read()}))\n"
    )
    ran = await run(["python", "-c", code], place)
    assert ran.exit == Exit(0, "done", True), ran.err
    told = json.loads(ran.out)
    assert told["said"][:2] == ["/tmp", str(jail_uid())]
    assert jail_uid() != 0
    assert told["prefix"] == sys.prefix
    assert len(told["processes"]) <= 3
    assert "CapEff:\t0000000000000000" in told["caps"]
    assert "NoNewPrivs:\t1" in told["caps"]
    assert not [name for name in told["env"] if name.startswith(("OPENAI", "MEMENTO", "PYTEST"))]
    assert await asyncio.to_thread(place.read, "made/x", 10) == b"x"


BOMBS = {
    "endless loop": ("while True: pass", {"timeout"}),
    "interrupts ignored": (
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(1000)",
        {"timeout"},
    ),
    "hang in C": ("import ctypes; ctypes.CDLL(None).sleep(1000)", {"timeout"}),
    "fork bomb": ("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", {"timeout", "processes"}),
    "threads": (
        "import threading, time\nwhile True:\n  try: threading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "  except RuntimeError: time.sleep(1000)",
        {"timeout", "processes"},
    ),
    "many files": ("n = 0\nwhile True:\n  open(f'/workspace/{n}', 'w').write('x'); n += 1", {"timeout", "disk"}),
    "deep folders": ("import os\nwhile True:\n  os.mkdir('d'); os.chdir('d')", {"timeout", "disk"}),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_two_seconds_end_everything_within_three(name: str, place: Workspace) -> None:
    code, expected = BOMBS[name]
    marker = f"memento-{name}-{time.monotonic_ns()}"
    ran = await run([*PYTHON, code, marker], place, seconds=2, limits=Limits(disk=50_000_000, processes=32))
    assert ran.exit.ended in expected
    assert ran.exit.gone
    assert await asyncio.to_thread(gone, marker)
    assert ran.seconds < 3 + 2 * (os.getloadavg()[0] / (os.cpu_count() or 1) > 1)


HOGS = {
    "memory of one": ("x = [bytearray(32 << 20) for _ in range(100)]", {"error", "memory"}),
    "memory of many": (
        "import os, time\nfor _ in range(8):\n  if os.fork() == 0:\n    x = b'x' * (80 << 20); time.sleep(60)\n"
        "time.sleep(60)",
        {"memory"},
    ),
    "shared memory": (
        "import mmap, time\nx = [mmap.mmap(-1, 64 << 20) for _ in range(8)]\nfor m in x: m.write(b'x' * (64 << 20))\n"
        "time.sleep(60)",
        {"memory", "error"},
    ),
    "temporary files": (
        "import time\nfor n in range(200):\n  open(f'/tmp/{n}', 'wb').write(bytes(4 << 20))\ntime.sleep(60)",
        {"memory", "error"},
    ),
    "one large file": ("f = open('/workspace/f', 'wb')\nwhile True: f.write(bytes(1 << 20))", {"error", "disk"}),
    "many large files": (
        "import time\nfor n in range(40): open(f'/workspace/{n}', 'wb').write(bytes(4 << 20))\ntime.sleep(60)",
        {"disk"},
    ),
    "deleted but open": (
        "import os, time\nheld = []\nfor n in range(40):\n  f = open('/workspace/f', 'wb'); f.write(bytes(4 << 20))\n"
        "  f.flush(); os.unlink('/workspace/f'); held.append(f)\ntime.sleep(60)",
        {"disk"},
    ),
}


@pytest.mark.parametrize("name", HOGS)
async def test_memory_and_disk_are_bounded(name: str, place: Workspace) -> None:
    code, expected = HOGS[name]
    ran = await run([*PYTHON, code], place, limits=Limits(memory=256 << 20, disk=80 << 20))
    assert ran.exit.ended in expected, ran.err
    assert ran.exit.gone
    assert ran.seconds < 40
    after = await run([*PYTHON, "print('usable')"], place, limits=Limits(disk=1 << 30))
    assert after.out == "usable\n"


async def test_endless_output_is_read_as_slowly_as_we_like_and_then_ended(place: Workspace) -> None:
    await asyncio.to_thread(place.prepare)
    async with await spawn(["yes"], mounts=[Mount(place.folder, "/workspace", True)]) as process:
        assert (await process.stdout.read(100_000)).startswith(b"y\ny\n")
        ended = await process.kill()
    assert ended.gone
    assert process.ended == "died"


async def test_a_daemon_that_was_left_behind_ends_with_the_command(place: Workspace) -> None:
    marker = f"memento-daemon-{time.monotonic_ns()}"
    code = (
        "import os, sys, time, signal\n"
        "if os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    signal.signal(15, signal.SIG_IGN)\n"
        "    time.sleep(1000)\n  os._exit(0)\ntime.sleep(0.2)"
    )
    ran = await run([*PYTHON, code, marker], place)
    assert ran.exit == Exit(0, "done", True)
    assert await asyncio.to_thread(gone, marker)


async def test_an_interrupt_reaches_the_command_and_leaves_it_running(place: Workspace) -> None:
    code = (
        "import time\ntry: print('begun', flush=True); time.sleep(1000)\nexcept KeyboardInterrupt: "
        "print('interrupted', flush=True)\nprint(input())"
    )
    async with await spawn([*PYTHON, code]) as process:
        assert await process.stdout.readline() == b"begun\n"
        await process.interrupt()
        assert await process.stdout.readline() == b"interrupted\n"
        process.stdin.write(b"still here\n")
        assert await process.stdout.readline() == b"still here\n"
        assert await process.wait() == Exit(0, "done", True)


HOST = """
import asyncio, sys
sys.path.insert(0, {root!r})
from tools.sandbox.jail import spawn
async def main():
    process = await spawn(["sh", "-c", "trap '' INT TERM HUP; (setsid sleep 1000 &); echo up; sleep 1000; : {marker}"])
    print(process.pid, (await process.stdout.readline()).decode(), flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""


def test_nothing_survives_a_host_that_is_killed() -> None:
    marker = f"memento-orphan-{time.monotonic_ns()}"
    program = HOST.format(root=str(ROOT), marker=marker)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        first = int(host.stdout.readline().split()[0])
        assert marked(marker)
        host.kill()
    assert gone(marker, first)


async def test_nothing_survives_a_supervisor_that_is_killed(place: Workspace) -> None:
    marker = f"memento-supervised-{time.monotonic_ns()}"
    process = await spawn(["sh", "-c", f"(setsid sleep 1000 &) ; echo up; sleep 1000; : {marker}"])
    assert await process.stdout.readline() == b"up\n"
    process._supervisor.kill()
    assert (await process.wait()).ended == "died"
    assert await asyncio.to_thread(gone, marker, process.pid)
    await process.kill()


async def test_the_line_about_it_names_version_and_user() -> None:
    line = await jail.check()
    assert line.startswith("bubblewrap 0.")
    assert line.endswith(f"as uid {jail_uid()}")


async def test_a_bubblewrap_of_the_path_or_the_current_folder_is_not_run(
    place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path, await asyncio.to_thread(Path.cwd)):
        await asyncio.to_thread(make_program, folder / "bwrap", f"touch {tmp_path}/ran")
    monkeypatch.setenv("PATH", f".:{tmp_path}:{os.environ['PATH']}")
    assert (await run(["echo", "hello"], place)).out == "hello\n"
    assert not await asyncio.to_thread((tmp_path / "ran").exists)


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        (None, "bubblewrap is not installed"),
        ("/bin/false", "bubblewrap does not work here"),
        ("bwrap: setting up uid map: Permission denied", "setting up uid map: Permission denied"),
    ],
)
async def test_without_a_bubblewrap_that_works_it_refuses_and_names_the_choices(
    program: str | None, cause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program and not program.startswith("/"):
        broken = Path("/var/tmp") / f"memento-bwrap-{os.getpid()}-{time.monotonic_ns()}"
        await asyncio.to_thread(make_program, broken, f"echo '{program}' >&2; rm {broken}; exit 1")
        program = str(broken)
    monkeypatch.setattr(jail, "bubblewrap", lambda: program)
    with pytest.raises(SandboxError) as caught:
        await spawn(["true"])
    for part in (cause, "install bubblewrap", "user namespaces", "docker", "e2b", "MEMENTO_ALLOW_UNSAFE_CODE=1"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become an ordinary user")
@pytest.mark.timeout(300)
def test_all_of_it_holds_for_an_ordinary_user_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, ORDINARY, ORDINARY)
        Path(folder).chmod(0o755)
        as_user = [sys.executable, str(ROOT / "tests" / "fakes" / "ordinary_user.py"), str(ORDINARY), folder]
        tests = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__]
        done = subprocess.run(
            [*as_user, *tests, "--basetemp", f"{folder}/tests", "-k", "not ordinary_user"],
            env={"PATH": os.environ["PATH"], "HOME": folder, AS_ANOTHER: "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
