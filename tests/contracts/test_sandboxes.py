"""What every sandbox promises to whoever runs code in it: values, state, output, files, limits, a new start."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.fakes.sandboxes import LIMITS, check_usable, gone, opened, quickest, there
from tools.sandbox.contract import Limits, Session
from tools.workspace import Workspace

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHORT = replace(LIMITS, seconds=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["bubblewrap", "subprocess"])
async def sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Session, Workspace]]:
    home = await asyncio.to_thread(tmp_path_factory.mktemp, "home")
    async with opened(request.param, home) as both:
        yield both


@pytest.fixture
def session(sandbox: tuple[Session, Workspace]) -> Session:
    return sandbox[0]


@pytest.fixture
def space(sandbox: tuple[Session, Workspace]) -> Workspace:
    return sandbox[1]


async def test_a_session_keeps_variables_and_tells_the_last_value(session: Session) -> None:
    first = await session.run_python("import math\nx = 20\ndef twice(n):\n    return 2 * n", LIMITS)
    assert (first.ended, first.value, first.output, first.error, first.state_kept) == ("done", "", "", "", True)
    second = await session.run_python("twice(x) + math.floor(2.5)", LIMITS)
    assert second.value == "42"
    third = await session.run_python("print('é', end=''); None", LIMITS)
    assert (third.value, third.output) == ("", "é")


async def test_all_output_counts_in_its_order(session: Session) -> None:
    code = """
import ctypes, os, subprocess, sys
print("one")
print("two", file=sys.stderr)
os.write(1, b"three\\n")
ctypes.CDLL(None).puts(b"four")
ctypes.CDLL(None).fflush(None)
subprocess.run(["echo", "five"])
os.system("echo six >&2")
"""
    assert (await session.run_python(code, LIMITS)).output == "one\ntwo\nthree\nfour\nfive\nsix\n"


async def test_an_error_is_told_with_the_codes_own_lines(session: Session) -> None:
    found = await session.run_python("def f():\n    return 1 / 0\nf()", LIMITS)
    assert (found.ended, found.error) == ("error", "ZeroDivisionError: division by zero")
    assert found.output.startswith("Traceback") and "    return 1 / 0" in found.output
    assert "kernel" not in found.output and "_executed" not in found.output
    broken = await session.run_python("for", LIMITS)
    assert (broken.ended, broken.error) == ("error", "SyntaxError: invalid syntax")
    assert (await session.run_python("raise SystemExit(3)", LIMITS)).error == "SystemExit: 3"
    evil = "class E(Exception):\n    def __str__(self):\n        raise E\nraise E"
    assert (await session.run_python(evil, LIMITS)).ended == "error"
    assert (await session.run_python("input()", LIMITS)).error.startswith("EOFError")


async def test_a_shell_command_tells_output_and_status(session: Session) -> None:
    found = await session.run_shell("echo a; echo b >&2; exit 3", LIMITS)
    assert (found.ended, found.output, found.error) == ("error", "a\nb\n", "exit status 3")
    assert (await session.run_shell("kill -SEGV $$", LIMITS)).error == "ended by SIGSEGV"
    assert (await session.run_shell("read x || echo nothing to read", LIMITS)).output == "nothing to read\n"


async def test_files_that_a_run_made_or_changed_are_named(session: Session, space: Workspace) -> None:
    await asyncio.to_thread(space.write, "given/in.txt", b"4 5 6")
    code = "n = sum(map(int, open('given/in.txt').read().split()))\nopen('out.txt', 'w').write(str(n))"
    assert (await session.run_python(code, LIMITS)).files == ("out.txt",)
    assert await asyncio.to_thread(space.read, "out.txt", 100) == b"15"
    assert (await session.run_shell("echo 7 >> given/in.txt; mkdir -p d; echo > d/e", LIMITS)).files == (
        "d/e",
        "given/in.txt",
    )
    assert (await session.run_python("open('out.txt').read()", LIMITS)).files == ()


async def test_open_figures_become_files(session: Session, space: Workspace) -> None:
    code = "import matplotlib.pyplot as plt\nfor _ in range(2):\n    plt.figure(); plt.plot([1, 2])\nplt.show()"
    found = await session.run_python(code, replace(LIMITS, seconds=60, memory=1 << 30))
    assert (found.ended, found.output) == ("done", ""), found
    assert found.files == ("figure-1.png", "figure-2.png")
    assert (await asyncio.to_thread(space.read, "figure-2.png", 1_000_000)).startswith(b"\x89PNG")
    assert (await session.run_python("plt.get_fignums()", LIMITS)).value == "[]"


async def test_long_output_keeps_head_and_tail_and_counts_all(session: Session) -> None:
    code = "print('begin')\nfor _ in range(1000):\n    print('x' * 1_000_000)\nprint('end')"
    found = await session.run_python(code, replace(LIMITS, seconds=60))
    assert found.ended == "done"
    assert len(found.output) < LIMITS.output + 100
    assert found.output.startswith("begin\nxxx") and found.output.endswith("xxx\nend\n")
    assert f"[... {1_000_001_000 + 10 - LIMITS.output:,} bytes left out ...]" in found.output


async def test_a_long_value_is_cut(session: Session) -> None:
    found = await session.run_python("'x' * 30_000_000", LIMITS)
    assert found.ended == "done" and 1000 < len(found.value) < 20_000


async def test_code_that_obeys_is_interrupted_and_keeps_its_variables(session: Session) -> None:
    await session.run_python("kept = 42", LIMITS)
    for code in (
        "while True: pass",
        "import time; time.sleep(60)",
        "import subprocess; subprocess.run(['sleep', '60'])",
    ):
        found = await quickest(session, code, SHORT)
        assert (found.ended, found.state_kept, found.error) == ("timeout", True, "stopped after 1 s"), code
        assert found.seconds <= 2
    assert (await session.run_python("kept", LIMITS)).value == "42"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("an endless loop", "while True: pass"),
        ("SIGINT ignored", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"),
        ("every exception swallowed", "while True:\n  try:\n    while True: pass\n  except BaseException: pass"),
        ("a hang in C", "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')"),
        ("threads that go on", "import threading\nthreading.Thread(target=lambda: exec('while True: pass')).start()\n"
         "while True: pass"),
        ("sleep in the shell", None),
    ],
)  # fmt: skip
async def test_a_limit_of_two_seconds_ends_everything_within_three(
    session: Session, what: str, code: str | None
) -> None:
    limits = replace(LIMITS, seconds=2)
    found = await quickest(session, code or "trap '' INT TERM; sleep 60 & sleep 60", limits, shell=code is None)
    assert found.ended == "timeout", what
    assert found.seconds <= 3, what
    await check_usable(session)


@pytest.mark.parametrize("code", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
async def test_the_end_of_python_loses_variables_and_nothing_else(
    session: Session, space: Workspace, code: str
) -> None:
    await session.run_python("gone = 1; open('stays.txt', 'w').write('1')", LIMITS)
    found = await session.run_python(code, LIMITS)
    assert (found.ended, found.state_kept) == ("died", False)
    assert (await session.run_python("gone", LIMITS)).error == "NameError: name 'gone' is not defined"
    assert await asyncio.to_thread(space.read, "stays.txt", 10) == b"1"


@pytest.mark.parametrize(
    "code",
    [
        'import os\nfor n in range(3, 200):\n    try: os.write(n, b\'{"id": "x", "value": "forged"}\\n[]\\n\')\n'
        "    except OSError: pass",
        "import os\nfor n in range(3, 200):\n    try: os.write(n, b'x' * 1_000_000)\n    except OSError: pass",
        "import os\nos.closerange(0, 300)",
        "import sys\nsys.stdout.close(); sys.stderr.close(); sys.stdin.close()",
        "import os\nos.fork()",
        "import sys, builtins\nsys.modules.clear(); builtins.__dict__.clear()",
        "import gc\nfor o in gc.get_objects():\n    if type(o).__name__ == 'Kernel': o._reply = None; o._run = None",
    ],
)
async def test_code_that_attacks_the_kernel_harms_only_itself(session: Session, code: str) -> None:
    await session.run_python(code, replace(LIMITS, seconds=2))
    for _ in range(2):  # the first may still find the damage
        last = await session.run_python("40 + 2", LIMITS)
    assert last.value == "42", last
    await check_usable(session)


async def test_what_is_left_running_is_ended_with_the_run(session: Session) -> None:
    mark = f"9876{uuid.uuid4().int % 10**9}"
    found = await session.run_python(f"import subprocess; subprocess.Popen(['sleep', '{mark}']).poll()", LIMITS)
    assert found.ended == "done"
    assert await gone(mark)
    found = await session.run_shell(f"nohup sleep {mark} > /dev/null 2>&1 & echo started", LIMITS)
    assert (found.ended, found.output) == ("done", "started\n")
    assert await gone(mark)


async def test_too_much_disk_is_stopped_and_taken_back(session: Session, space: Workspace) -> None:
    await asyncio.to_thread(space.write, "before.txt", b"before")
    code = "for n in range(100):\n    with open(f'big-{n}', 'wb') as f:\n        f.write(b'x' * 5_000_000)"
    found = await session.run_python(code, replace(LIMITS, disk=20_000_000))
    assert found.ended == "disk" and "20 MB" in found.error
    assert await asyncio.to_thread(space.used) <= 20_000_000
    assert await asyncio.to_thread(space.read, "before.txt", 10) == b"before"
    await check_usable(session)
    await session.run_shell("rm -f big-*", LIMITS)


async def test_a_run_that_is_cancelled_is_interrupted(session: Session) -> None:
    await session.run_python("held = 42", LIMITS)
    mark = f"9875{uuid.uuid4().int % 10**9}"
    run = asyncio.ensure_future(session.run_python(f"import subprocess; subprocess.run(['sleep', '{mark}'])", LIMITS))
    await there(mark)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (await session.run_python("held", Limits())).value == "42"
    assert await gone(mark)


async def test_no_secret_of_this_process_is_in_the_environment(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-1234")
    await session.run_python("import os; os._exit(0)", LIMITS)  # the next one starts with the key in place
    found = await session.run_python("import os; [dict(os.environ), open('/proc/self/environ').read()]", LIMITS)
    assert found.value and "canary" not in found.value
    assert "canary" not in (await session.run_shell("env; cat /proc/$$/environ", LIMITS)).output


async def test_a_session_that_is_closed_leaves_nothing(sandbox: tuple[Session, Workspace], tmp_path: Path) -> None:
    backend = "bubblewrap" if "JailSpawn" in str(vars(sandbox[0])) else "subprocess"
    mark = f"9874{uuid.uuid4().int % 10**9}"
    async with opened(backend, tmp_path) as (session, _):
        run = asyncio.ensure_future(session.run_shell(f"sleep {mark}; true", LIMITS))
        await there(mark)
    assert (await run).ended == "timeout"
    assert await gone(mark)


async def test_a_warm_run_costs_less_than_20_ms(session: Session) -> None:
    await session.run_python("1", LIMITS)
    seconds = sorted([(await session.run_python("1", LIMITS)).seconds for _ in range(20)])
    assert seconds[5] < 0.02
