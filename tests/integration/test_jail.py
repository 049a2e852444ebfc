"""The jail: every way out that we know is really tried, as root and as an ordinary user; nothing survives its end."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import escapes
from tests.fakes.jailed import gone, run
from tests.project_files import ROOT
from tools.sandbox import jail
from tools.sandbox.contract import Limits
from tools.sandbox.jail import Exit, Mount
from tools.sandbox.unprivileged import jail_uid
from tools.workspace import Workspace
from tools.workspaces import workspace

ORDINARY = 12_345
LIFETIME = str(Path(__file__).with_name("test_jail_lifetime.py"))
UNFILTERED = (  # the filter's program is then one that allows everything
    "import sys; sys.path.insert(0, {root!r}); import tools.sandbox.jail_start as start; "
    "start.program = lambda machine: bytes.fromhex('060000000000ff7f'); "
)
FILTERED = {"netlink", "set user id", "create set user id", *(
    f"call {name}" for name in ("keyctl", "add_key", "unshare user", "clone user", "clone3", "setns", "mount", "umount",
    "chroot", "memfd_create", "shmget", "process_vm_readv", "ptrace", "open_tree"))}  # fmt: skip
"""What comes out otherwise without the filter, on any kernel."""
PYTHON = ["python", "-I", "-S", "-c"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")


@pytest.fixture
def place(home: Path) -> Iterator[Workspace]:
    yield workspace(home, "thread", 100_000_000)
    subprocess.run(["/bin/rm", "-rf", str(home)], check=True)  # nested deeper than Python's rmtree goes


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


def offered_here() -> set[str]:
    """Attempts that this kernel has something to refuse for; others lack it, or refuse by themselves."""
    offered = set()
    if escapes.tried(lambda: socket.socket(40, socket.SOCK_STREAM).close()).startswith("reached"):
        offered.add("vsock")
    if escapes.tried(lambda: escapes.call(425, 8, 0)).endswith(f" {errno.EFAULT}"):
        offered.add("call io_uring_setup")
    if escapes.tried(lambda: escapes.call(*escapes.CALLS[os.uname().machine]["io_setup"])).endswith(f" {errno.EFAULT}"):
        offered.add("call io_setup")
    bpf = Path("/proc/sys/kernel/unprivileged_bpf_disabled")
    return offered | ({"call bpf"} if bpf.exists() and bpf.read_text().strip() == "0" else set())


async def test_the_filter_makes_a_difference(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Mount(ROOT / "tests" / "fakes" / "escapes.py", "/run/escapes.py")
    command = ["python", "-I", "/run/escapes.py", "1", "none", "/none", str(os.getpid())]
    filtered = json.loads((await run(command, place, [script])).out)
    monkeypatch.setattr(jail, "START", UNFILTERED + jail.START)
    ran = await run(["sh", "-c", 'rm -f mine*; exec "$@"', "sh", *command], place, [script])
    assert ran.exit == Exit(0, "done", True), ran.err
    control = json.loads(ran.out)
    different = {name for name, outcome in control.items() if filtered[name] != outcome}
    assert different >= (FILTERED | await asyncio.to_thread(offered_here)) & filtered.keys()
    assert control["netlink"].startswith("reached") and control["set user id"].startswith("reached")


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
    "in a workspace that is closed": (
        "import os, time\nos.chmod('/workspace', 0o300)\n"
        "for n in range(40): open(f'/workspace/{n}', 'wb').write(bytes(4 << 20)); os.chmod('/workspace', 0o300)\n"
        "time.sleep(60)",
        {"disk", "error"},
    ),
    "in folders that show names alone, or nothing": (
        "import os, time\nfor mode in (0o400, 0):\n  os.mkdir(f'd{mode}')\n"
        "  for n in range(40): open(f'd{mode}/{n}', 'wb').write(bytes(1 << 20))\n  os.chmod(f'd{mode}', mode)\n"
        "open('f', 'wb').write(bytes(8 << 20)); time.sleep(60)",
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


@pytest.mark.parametrize(
    ("folder", "make"),
    [
        ("/tmp", "os.symlink('x' * 120, name)"),
        ("/dev/shm", "os.symlink('x' * 120, name)"),
        ("/tmp", "os.link('/tmp/0', name)"),
    ],
)
async def test_files_without_bytes_in_memory_are_bounded(folder: str, make: str, place: Workspace) -> None:
    code = (
        "import os, time\nopen('/tmp/0', 'w').close()\n"
        f"for n in range(150_000):\n  name = f'{folder}/a{{n}}'\n  {make}\ntime.sleep(60)"
    )
    ran = await run([*PYTHON, code], place, seconds=20)
    assert (ran.exit.ended, ran.exit.gone) == ("disk", True), ran.err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become an ordinary user")
@pytest.mark.timeout(300)
def test_all_of_it_holds_for_an_ordinary_user_too() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, ORDINARY, ORDINARY)
        Path(folder).chmod(0o755)
        as_user = [sys.executable, str(ROOT / "tests" / "fakes" / "ordinary_user.py"), str(ORDINARY)]
        tests = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__, LIFETIME]
        done = subprocess.run(
            [*as_user, *tests, "--basetemp", f"{folder}/tests", "-k", "not ordinary_user"],
            env={"PATH": os.environ["PATH"], "HOME": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
