"""Attempts to get out of the default sandbox, each really made, and what must come of it: nothing, and a session that
works afterwards. The whole file and the promises run again as an ordinary user where root runs the tests.
"""

from __future__ import annotations

import ast
import asyncio
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import ROOT
from tests.fakes.sandboxes import LIMITS, QUOTA, check_usable, gone, opened, there
from tools.sandbox.contract import Session
from tools.workspace import Workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "canary-of-the-host"
TRY = """
def attempt():
    {body}
try:
    print("ESCAPED", attempt())
except BaseException as fault:
    print("stopped", type(fault).__name__, fault)
"""
SYSTEM_CALL = """import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall({call}) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))"""


@dataclass(frozen=True)
class Host:
    """What lies around on this machine: a secret file, another task's workspace, servers on loopback and on sockets."""

    home: Path
    secret: Path
    port: int
    unix: Path
    abstract: str
    process: int


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    home = tmp_path_factory.mktemp("host")
    secret = home / ".env"
    secret.write_text(SECRET)
    other = home / "workspaces" / "other"
    other.mkdir(parents=True)
    (other / "private.txt").write_text(SECRET)
    abstract = f"\0memento-{uuid.uuid4().hex}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as unix,
        socket.socket(socket.AF_UNIX) as named,
        subprocess.Popen(["sleep", "1000"]) as sleeper,
    ):
        unix.bind(abstract)
        unix.listen()
        named.bind(str(home / "s"))
        named.listen()
        yield Host(home, secret, tcp.getsockname()[1], home / "s", abstract, sleeper.pid)
        assert sleeper.poll() is None, "a process of the host was killed"
        sleeper.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(host: Host) -> AsyncIterator[tuple[Session, Workspace]]:
    async with opened("bubblewrap", host.home) as both:
        yield both


READ = "return open({path!r}).read()"
CONNECT = "import socket; s = socket.socket({family}, socket.SOCK_STREAM); s.settimeout(3); s.connect({to!r}); return s"
ATTEMPTS = {
    "the password file": READ.format(path="/etc/shadow"),
    "a secret by its path": "return open({secret!r}).read()",
    "a secret by a relative path": "return open('../../../../../../..' + {secret!r}).read()",
    "a secret by a link": "import os; os.symlink({secret!r}, 'out'); return open('out').read()",
    "a secret by a hard link": "import os; os.link({secret!r}, 'hard'); return open('hard').read()",
    "a secret by the root of another process": "return open('/proc/1/root' + {secret!r}).read()",
    "the host's process memory": "return open('/proc/{process}/mem', 'rb')",
    "another task's workspace": "return open({home!r} + '/workspaces/other/private.txt').read()",
    "another task's workspace beside ours": "return open('/workspace/../other/private.txt').read()",
    "the memory of the machine": READ.format(path="/dev/mem"),
    "the disk": "import glob; return [open(each, 'rb').read(1) for each in glob.glob('/dev/[svx]d*')][0]",
    "a program of the system": "return open('/usr/bin/env', 'ab')",
    "a new system file": "return open('/etc/new', 'w')",
    "Python's own library": "import os; return open(os.__file__, 'a')",
    "the root folder": "return open('/new', 'w')",
    "core_pattern": "return open('/proc/sys/kernel/core_pattern', 'w')",
    "sysrq": "return open('/proc/sysrq-trigger', 'w')",
    "the control groups": "import os; return os.mkdir('/sys/fs/cgroup/memory/x')",
    "loopback of the host": CONNECT.format(family="socket.AF_INET", to=("127.0.0.1", 0)).replace("0)", "{port})"),
    "the network": CONNECT.format(family="socket.AF_INET", to=("1.1.1.1", 53)),
    "IPv6": CONNECT.format(family="socket.AF_INET6", to=("2606:4700:4700::1111", 53)),
    "the metadata service": CONNECT.format(family="socket.AF_INET", to=("169.254.169.254", 80)),
    "names": "import socket; return socket.getaddrinfo('example.com', 80)",
    "a unix socket of the host": CONNECT.format(family="socket.AF_UNIX", to="X").replace("'X'", "{unix!r}"),
    "an abstract socket of the host": CONNECT.format(family="socket.AF_UNIX", to="X").replace("'X'", "{abstract!r}"),
    "vsock": CONNECT.format(family="40", to=(2, 1)),
    "raw packets": "import socket; return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "netlink": "import socket; return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "a process of the host": "import os; return os.kill({process}, 9)",
    "root": "import os; return os.setuid(0)",
    "a device": "import os, stat; return os.mknod('dev', stat.S_IFCHR | 0o666, os.makedev(1, 1))",
    "a mount": SYSTEM_CALL.format(call="165, b'none', b'/workspace', b'tmpfs', 0, None"),
    "a user namespace": SYSTEM_CALL.format(call="272, 0x10000000"),
    "a mount namespace": SYSTEM_CALL.format(call="272, 0x00020000"),
    "clone into a namespace": SYSTEM_CALL.format(call="56, 0x10000000 | 17, 0, 0, 0, 0"),
    "ptrace": SYSTEM_CALL.format(call="101, 16, 1, 0, 0"),
    "bpf": SYSTEM_CALL.format(call="321, 0, 0, 0"),
    "io_uring": SYSTEM_CALL.format(call="425, 4, ctypes.create_string_buffer(200)"),
    "keys": SYSTEM_CALL.format(call="250, 0, -3, 1"),
    "perf": SYSTEM_CALL.format(call="298, ctypes.create_string_buffer(200), 0, -1, -1, 0"),
    "files by handle": SYSTEM_CALL.format(call="304, -100, ctypes.create_string_buffer(200), 0"),
    "chroot": "import os; return os.chroot('/tmp')",
}  # fmt: skip


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls")
@pytest.mark.parametrize("name", ATTEMPTS)
async def test_an_attempt_to_get_out_fails(sandbox: tuple[Session, Workspace], host: Host, name: str) -> None:
    values = {"secret": str(host.secret), "home": str(host.home), "port": host.port, "process": host.process}
    body = ATTEMPTS[name]
    for key, value in {**values, "unix": str(host.unix), "abstract": host.abstract}.items():
        body = body.replace(f"{{{key}!r}}", repr(value)).replace(f"{{{key}}}", str(value))
    found = await sandbox[0].run_python(TRY.format(body=body), LIMITS)
    assert found.ended == "done", found
    assert found.output.startswith("stopped"), found.output
    assert "SyntaxError" not in found.output and "NameError" not in found.output
    assert SECRET not in found.output


async def test_nothing_of_the_host_is_seen(
    sandbox: tuple[Session, Workspace], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = sandbox
    monkeypatch.setenv("MEMENTO_CANARY", SECRET)
    await session.run_python("import os; os._exit(0)", LIMITS)
    code = """
import os, glob
told = glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ")
seen = [open(each, errors="replace").read() for each in told if os.access(each, os.R_OK)]
links = [os.readlink(each) for each in glob.glob("/proc/self/fd/*") if os.path.islink(each)]
print(seen, links, dict(os.environ), sorted(os.listdir("/")), os.listdir("/tmp"), open("/proc/mounts").read())
(os.getuid(), len(glob.glob("/proc/[0-9]*")), "0" in [each.split(":")[2] for each in open("/etc/passwd")][1:])"""
    found = await session.run_python(code, replace(LIMITS, output=100_000))
    assert found.ended == "done", found
    assert SECRET not in found.output
    assert str(host.home) not in found.output.replace(f"{host.home}/workspaces/task", "")
    user, processes, root = ast.literal_eval(found.value)
    assert user != 0 and processes < 6 and not root
    shell = await session.run_shell(f"cat {host.secret} /etc/shadow; ls {host.home}; env; ps ax", LIMITS)
    assert SECRET not in shell.output and "private" not in shell.output


async def test_what_it_leaves_in_the_workspace_has_no_power_here(sandbox: tuple[Session, Workspace]) -> None:
    session, space = sandbox
    code = "import os\nopen('s', 'w').close()\nos.chmod('s', 0o6777)\nos.symlink('/etc/passwd', 'link')\nos.mkfifo('p')"
    await session.run_python(code, LIMITS)
    status = await asyncio.to_thread((space.folder / "s").lstat)
    assert status.st_uid != 0 or os.geteuid() != 0
    assert [each.path for each in await asyncio.to_thread(space.entries)] == ["s"]
    await session.run_shell("rm -f s link p", LIMITS)


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", {"timeout", "processes", "memory"}),
        ("import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
         {"error", "processes", "timeout"}),
        ("held = []\nwhile True: held.append(bytearray(10_000_000))", {"memory"}),
        ("import os\nfor _ in range(8):\n    if not os.fork(): break\nheld = bytearray(90_000_000)\n"
         "import time; time.sleep(30)", {"memory"}),
        ("while True: open('/tmp/full', 'ab').write(bytes(1_000_000))", {"error", "memory"}),
        ("while True: open('/dev/shm/full', 'ab').write(bytes(1_000_000))", {"error", "memory"}),
        ("n = 0\nwhile True:\n    n += 1\n    open(f'many-{n}', 'w').close()", {"disk"}),
        ("import os\nwhile True:\n    os.mkdir('deep'); os.chdir('deep')", {"disk"}),
        ("import os\nf = os.open('unseen', os.O_RDWR | os.O_CREAT)\nos.unlink('unseen')\ng = []\nwhile True:\n"
         "    for _ in range(5): os.write(f, bytes(10_000_000))\n    g.append(f)\n"
         "    f = os.open(f'unseen', os.O_RDWR | os.O_CREAT); os.unlink('unseen')", {"disk", "error"}),
        ("f = open('sparse', 'wb')\nf.truncate(10 ** 13)", {"error", "disk"}),
        ("import os\nos.mkdir('shut')\nfor n in range(20): open(f'shut/{n}', 'wb').write(bytes(10_000_000))\n"
         "os.chmod('shut', 0)\nimport time; time.sleep(20)", {"disk", "error"}),
        ("import os, time\nos.chmod('/workspace', 0o300)\nfor n in range(20):\n"
         "    open(f'{n}', 'wb').write(bytes(10_000_000)); time.sleep(0.1)\n    os.chmod('/workspace', 0o300)",
         {"disk"}),
    ],
    ids=["forks", "threads", "memory", "memory of many", "tmp", "shared memory", "many files", "deep folders",
         "deleted files", "a sparse file", "a folder that is closed", "a workspace that is closed"],
)  # fmt: skip
async def test_what_takes_too_much_is_stopped(sandbox: tuple[Session, Workspace], code: str, ends: set[str]) -> None:
    session, space = sandbox
    found = await session.run_python(code, replace(LIMITS, seconds=8))
    assert found.ended in ends, found
    usage = await asyncio.to_thread(space.usage)
    assert (usage.size <= QUOTA, usage.entries <= 10_000, usage.deep) == (True, True, False)
    await check_usable(session)
    await session.run_shell("chmod -R u+rwx .; find . -mindepth 1 -delete", replace(LIMITS, seconds=60))


@pytest.mark.parametrize("mode", ["0", "300", "555"])
async def test_a_workspace_that_was_closed_is_opened(sandbox: tuple[Session, Workspace], mode: str) -> None:
    session, space = sandbox
    assert (await session.run_shell(f"echo 1 > x; chmod {mode} /workspace", LIMITS)).ended == "done"
    await check_usable(session)
    await session.run_python(f"import os; os.chmod('/workspace', 0o{mode})", LIMITS)
    assert [each.path for each in await asyncio.to_thread(space.entries)] == ["x"]
    assert (await session.run_shell("rm x", LIMITS)).ended == "done"
    await check_usable(session)


async def test_a_fork_bomb_in_the_shell_is_stopped(sandbox: tuple[Session, Workspace]) -> None:
    mark = f"9873{uuid.uuid4().int % 10**9}"
    bomb = f"f() {{ sleep {mark} | f & f; }}; f"
    found = await sandbox[0].run_shell(bomb, replace(LIMITS, seconds=2))
    assert found.seconds <= 6
    assert await gone(mark)
    await check_usable(sandbox[0])


async def test_a_daemon_does_not_outlive_its_run(sandbox: tuple[Session, Workspace]) -> None:
    mark = f"9872{uuid.uuid4().int % 10**9}"
    daemon = f"""
import os, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.closerange(0, 300)
        os.execvp("sleep", ["sleep", "{mark}"])
    os._exit(0)
time.sleep(0.3)"""
    assert (await sandbox[0].run_python(daemon, LIMITS)).ended == "done"
    assert await gone(mark)
    found = await sandbox[0].run_shell(f"setsid -f sleep {mark}; echo out", LIMITS)
    assert found.output == "out\n" and await gone(mark)
    await check_usable(sandbox[0])


async def test_nothing_survives_when_the_host_is_killed(tmp_path: Path) -> None:
    mark = f"9871{uuid.uuid4().int % 10**9}"
    program = """
import asyncio, os
from pathlib import Path
from tests.fakes.sandboxes import LIMITS, opened
async def main():
    async with opened("bubblewrap", Path(os.environ["HOME"])) as (session, _):
        start = "import os, subprocess; os._exit = lambda *_: None; "  # or the kernel ends by itself
        start += f"subprocess.Popen(['sleep', '{os.environ['MARK']}'], start_new_session=True)"
        await session.run_python(start + "\\nwhile True: pass", LIMITS)
asyncio.run(main())"""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "MARK": mark}  # in no command line of the host
    host = await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=env)
    await asyncio.wait_for(there(mark), 60)
    host.send_signal(signal.SIGKILL)
    await host.wait()
    assert await gone(mark)


@pytest.mark.skipif(os.geteuid() != 0, reason="this is an ordinary user")
@pytest.mark.timeout(300)
async def test_all_of_it_holds_for_an_ordinary_user_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    uid, home = 64123, Path("/tmp") / f"memento-user-{uuid.uuid4().hex}"
    await asyncio.to_thread(home.mkdir, 0o700)
    await asyncio.to_thread(os.chown, home, uid, uid)
    suite = [f"tests/contracts/test_sandbox{name}.py" for name in ("_escapes", "_leftovers", "es")]
    command = [sys.executable, "-m", "pytest", "-q", "-k", "not subprocess", "-p", "no:cacheprovider", *suite]
    try:
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "tests/fakes/ordinary_user.py"), str(uid), *command),
            f"--basetemp={home}/tests",
            env={**os.environ, "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await run.communicate()
    finally:
        await (await asyncio.create_subprocess_exec("rm", "-rf", str(home))).wait()
    text = said.decode(errors="replace")
    assert run.returncode == 0, text[:3000] + text[-3000:]
    assert " passed" in text and " 1 skipped" in text, text[-300:]  # only this test
