"""What hostile code leaves behind when its run has ended: nothing that moves, whatever it did to its interpreter.

Code inside can patch `os.kill`, write replies of its own and ignore signals: only what is done from outside counts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import ROOT
from tests.fakes.sandboxes import LIMITS, check_usable, gone, opened, there
from tools.sandbox.bubblewrap import JailedProgram
from tools.sandbox.contract import Limits, Session
from tools.workspace import Workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHORT = replace(LIMITS, seconds=1)
WRITES = """
import os, time
def write():
    with open("/workspace/alive", "ab", 0) as file:
        while True:
            file.write(b"x")
            time.sleep(0.005)
"""
CHILDREN = """
import signal
os.kill = lambda *_: None
for _ in range(10):
    if os.fork() == 0:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.setsid()
        write()
time.sleep(0.2)
"""
FORGED = """
import gc
open("/workspace/alive", "w").write("x")
kernel, = [each for each in gc.get_objects() if type(each).__name__ == "Kernel"]
kernel._reply({"id": kernel._running, "value": "forged", "error": "", "threads": 0})
write()
"""
THREAD = """
import _thread
_thread.start_new_thread(write, ())
time.sleep(0.1)
"""
WAKES = """
import ctypes, struct
libc = ctypes.CDLL(None, use_errno=True)
event = struct.pack("=qii48x", 0, signal.SIGCONT, 0)
timer = ctypes.c_void_p()
assert libc.timer_create(0, event, ctypes.byref(timer)) == 0
assert libc.timer_settime(timer, 0, struct.pack("=qqqq", 0, 50_000_000, 0, 50_000_000), None) == 0
"""
DEAD_LEADER = """
import threading
os.kill = lambda *_: None
if os.fork() == 0:
    os.setsid()
    threading.Thread(target=write).start()
    import ctypes
    ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
time.sleep(0.2)
"""

CHAIN = """
os.kill = lambda *_: None
if os.fork() == 0:
    os.setsid()
    file = open("/workspace/alive", "ab", 0)
    while True:
        file.write(b"x")
        if os.fork():
            os._exit(0)
time.sleep(0.2)
"""
HOST = """
import asyncio, os
from dataclasses import replace
from pathlib import Path
from tests.fakes.sandboxes import LIMITS, opened
async def main():
    async with opened("bubblewrap", Path(os.environ["HOME"])) as (session, _):
        await session.run_python("1", LIMITS)
        run = getattr(session, os.environ["RUN"])
        print((await run(os.environ["CODE"], replace(LIMITS, seconds=2))).ended)
asyncio.run(main())"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Session, Workspace]]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    async with opened("bubblewrap", home) as both:
        yield both


@pytest.fixture(autouse=True)
def nothing_written(sandbox: tuple[Session, Workspace]) -> None:
    (sandbox[1].folder / "alive").unlink(missing_ok=True)


async def at_rest(space: Workspace) -> bool:
    """Whether the file that leftovers write to was begun, and does not grow any more."""
    alive = space.folder / "alive"
    await asyncio.sleep(0.3)  # a supervisor looks every tenth of a second
    first = (await asyncio.to_thread(alive.stat)).st_size
    await asyncio.sleep(1)
    return 0 < first == (await asyncio.to_thread(alive.stat)).st_size


@pytest.mark.parametrize("code", [CHILDREN, DEAD_LEADER, CHAIN], ids=["many", "without a first thread", "a chain"])
async def test_children_end_with_the_run_where_the_interpreter_does_not_end_them(
    sandbox: tuple[Session, Workspace], code: str
) -> None:
    session, space = sandbox
    found = await session.run_python(f"kept = 42{WRITES}{code}", LIMITS)
    assert found.ended == "done", found
    assert await at_rest(space)
    again = await session.run_python(
        "kept, sorted(int(each) for each in os.listdir('/proc') if each.isdigit())", LIMITS
    )
    assert again.value.startswith("(42, [1, "), again
    await check_usable(session)


async def test_a_forged_reply_stops_the_code_that_sent_it(sandbox: tuple[Session, Workspace]) -> None:
    session, space = sandbox
    found = await session.run_python(WRITES + FORGED, LIMITS)
    assert (found.ended, found.value) == ("done", "forged")
    assert await at_rest(space)
    await session.run_python("1", SHORT)  # the loop may still be in the way of this one
    await check_usable(session)


async def test_children_that_ignore_interrupts_end_at_the_limit(sandbox: tuple[Session, Workspace]) -> None:
    session, space = sandbox
    found = await session.run_python(f"{WRITES}{CHILDREN}time.sleep(60)", SHORT)
    assert found.ended == "timeout"
    assert await at_rest(space)
    await check_usable(session)


async def test_a_thread_that_nobody_counts_ends_at_the_limit(sandbox: tuple[Session, Workspace]) -> None:
    session, space = sandbox
    found = await session.run_python(f"{WRITES}{THREAD}time.sleep(60)", SHORT)
    assert (found.ended, found.state_kept) == ("timeout", False)
    assert await at_rest(space)
    await check_usable(session)


async def test_more_threads_than_may_stay_are_too_many_also_where_nobody_counts_them(
    sandbox: tuple[Session, Workspace],
) -> None:
    code = "import _thread, time\nfor _ in range(20): _thread.start_new_thread(time.sleep, (60,))"
    found = await sandbox[0].run_python(code, LIMITS)
    assert (found.ended, found.state_kept) == ("processes", False)
    await check_usable(sandbox[0])


async def test_idle_threads_of_a_library_do_not_cost_the_variables(sandbox: tuple[Session, Workspace]) -> None:
    code = "import _thread, time\nkept = 43\n_thread.start_new_thread(time.sleep, (60,))\ntime.sleep(60)"
    found = await sandbox[0].run_python(code, SHORT)
    assert (found.ended, found.state_kept) == ("timeout", True)
    assert (await sandbox[0].run_python("kept", LIMITS)).value == "43"


async def test_a_thread_rests_between_runs_and_an_alarm_does_not_wake_it(sandbox: tuple[Session, Workspace]) -> None:
    session, space = sandbox
    found = await session.run_python(f"import signal{WRITES}{THREAD}", LIMITS)
    assert (found.ended, found.state_kept) == ("done", True)
    assert await at_rest(space)
    grown = await session.run_python(
        "a = os.stat('alive').st_size; time.sleep(0.3); os.stat('alive').st_size > a", LIMITS
    )
    assert grown.value == "True"
    assert (await session.run_python(WAKES, LIMITS)).ended == "done"
    assert await at_rest(space)
    await session.run_python("1", LIMITS)
    await check_usable(session)


@pytest.mark.parametrize("run", ["run_python", "run_shell"])
async def test_the_limit_holds_while_the_host_is_stopped(tmp_path: Path, run: str) -> None:
    mark = f"9870{uuid.uuid4().int % 10**9}"
    code = f"sleep {mark}" if run == "run_shell" else f"import subprocess; subprocess.run(['sleep', '{mark}'])"
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST),
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "RUN": run, "CODE": code},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.wait_for(there(mark), 60)
        host.send_signal(signal.SIGSTOP)
        assert await gone(mark, 15)
        host.send_signal(signal.SIGCONT)
        assert (await host.communicate())[0] == b"timeout\n"
    finally:
        if host.returncode is None:
            host.kill()
            await host.wait()


async def test_a_limit_that_is_passed_as_a_run_ends_is_told_as_what_it_is(
    sandbox: tuple[Session, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor looks every tenth of a second, and the reply may be there before that."""
    settle = JailedProgram.settle

    async def late(self: JailedProgram, *, stopped: bool) -> bool:
        await self.process.limit(Limits(memory=1))
        await self.process.wait()
        return await settle(self, stopped=stopped)

    monkeypatch.setattr(JailedProgram, "settle", late)
    found = await sandbox[0].run_python("1", LIMITS)
    assert (found.ended, found.state_kept) == ("memory", False)
    monkeypatch.undo()
    await check_usable(sandbox[0])
